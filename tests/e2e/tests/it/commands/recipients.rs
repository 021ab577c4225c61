//! R2, R3: who receives, chosen by an administrator, seen by everyone.

use super::{of, open};
use e2e::epj::COMMANDS;
use helsenorge::Message;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn r2_an_administrator_chooses_and_it_is_kept_in_the_audit() {
    let (mut clinic, epj) = open().await;
    let to_lab = json!({ "kind": "EKONTAKT", "mode": "fast", "recipients": [{ "position": "lab" }] });
    assert_eq!(epj.refused(&of("kari", "SetRecipients", to_lab.clone())).await, ("role-missing".into(), "actor".into()));
    let mut command = of("siri", "SetRecipients", to_lab);
    command["reason"] = json!("Laboratoriet tar dem");
    assert_eq!(epj.done(&command).await["nobody"], json!([]));
    clinic.send(&[Message::ekontakt()]).await;
    clinic.receipt().await;
    let inbox = "select employee || '/' || array_to_string(via, ',') from dialogpost.inbox_item";
    assert_eq!(clinic.fleet.rows.column::<String>(inbox).await, ["siri/position:lab"]);
    let chosen = "select chosen_by from dialogpost.routing_rule where dialog_kind = 'EKONTAKT'";
    assert_eq!(clinic.fleet.rows.one::<String>(chosen).await, "siri", "the set-up file does not undo it");
    let audit = "select actor || '/' || coalesce(reason, '') || '/' || coalesce(detail ->> 'refused', detail #>> '{rule,mode}')
        from dialogpost.audit where clinic = 8141333 and action = 'SetRecipients' order by sequence";
    assert_eq!(clinic.fleet.rows.column::<String>(audit).await, ["kari//role-missing", "siri/Laboratoriet tar dem/fast"]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_what_cannot_be_chosen() {
    let (clinic, epj) = open().await;
    let set = |mode: &str, recipients: Value| {
        of("siri", "SetRecipients", json!({ "kind": "EKONSULTASJON", "mode": mode, "recipients": recipients }))
    };
    for (command, code, field) in [
        (set("behandler", json!([{ "clinic": true }])), "recipient-unwanted", "arguments.recipients"),
        (set("fast", json!([])), "recipient-missing", "arguments.recipients"),
        (set("fast", json!([{ "group": "ukjent" }])), "recipient-unknown", "arguments.recipients[0]"),
    ] {
        assert_eq!(epj.refused(&command).await, (code.to_owned(), field.to_owned()));
    }
    clinic.fleet.rows.query("update dialogpost.recipient_set set members = '{}' where id = 'lab'", &[]).await;
    let nobody = epj.done(&set("fast", json!([{ "position": "lab" }, { "group": "legene" }]))).await["nobody"].clone();
    assert_eq!(nobody, json!(["position:lab"]));
    clinic.close().await;
}

/// What `ShowRecipients` says of a kind.
async fn rule(epj: &e2e::Epj, kind: &str) -> Value {
    let shown = epj.done(&of("kari", "ShowRecipients", json!({}))).await["recipients"].clone();
    shown["rules"].as_array().unwrap().iter().find(|rule| rule["kind"] == kind).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_everyone_sees_who_receives_who_chose_it_and_who_could() {
    let (clinic, epj) = open().await;
    let by_file = rule(&epj, "RESEPTFORNYELSE").await;
    assert_eq!((&by_file["mode"], &by_file["is_default"]), (&json!("fast_og_behandler"), &json!(false)));
    assert_eq!(by_file["recipients"], json!([{ "role": "helsesekretaer" }, { "group": "legene" }, { "position": "lab" }]));
    assert_eq!((&by_file["chosen_by"], &by_file["nobody"]), (&json!({ "by": "set_up_file" }), &json!([])));
    clinic.fleet.rows.query("update dialogpost.recipient_set set members = '{}' where id = 'lab'", &[]).await;
    assert_eq!(rule(&epj, "RESEPTFORNYELSE").await["nobody"], json!(["position:lab"]));
    let to_doctors = json!({ "kind": "EKONTAKT", "mode": "fast", "recipients": [{ "group": "legene" }] });
    epj.done(&of("siri", "SetRecipients", to_doctors)).await;
    let chosen = rule(&epj, "EKONTAKT").await;
    assert_eq!((&chosen["recipients"], &chosen["chosen_by"]["employee"]), (&json!([{ "group": "legene" }]), &json!("siri")));
    clinic.fleet.rows.query("delete from dialogpost.routing_rule where dialog_kind = 'EKONSULTASJON'", &[]).await;
    let default = rule(&epj, "EKONSULTASJON").await;
    assert_eq!((&default["mode"], &default["chosen_by"]), (&json!("behandler"), &json!({ "by": "nobody" })), "R3");
    let shown = epj.done(&of("ole", "ShowRecipients", json!({}))).await["recipients"].clone();
    let (employees, shown) = (&shown["employees"], &shown["choosable"]);
    assert_eq!(shown["positions"], json!([{ "id": "lab", "name": "Laboratorium" }]));
    assert_eq!(shown["groups"], json!([{ "id": "legene", "name": "Legene", "members": ["kari", "ole"] }]));
    let names = |what: &str| shown[what].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (names("roles"), employees[0]["name"].clone()),
        (vec![json!("Administrator"), json!("Helsesekretær")], json!("Kari Lunde"))
    );
    // Who does not work here is told nothing, and the attempt is kept; so is who asked.
    assert_eq!(epj.refused(&of("per", "ShowRecipients", json!({}))).await, ("actor-unknown".into(), "actor".into()));
    let more = of("kari", "ShowRecipients", json!({ "kind": "EKONTAKT" }));
    assert_eq!(epj.refused(&more).await, ("field-unknown".into(), "arguments.kind".into()));
    let audit = "select distinct actor || '/' || coalesce(detail ->> 'refused', 'shown') from dialogpost.audit
        where clinic = 8141333 and action = 'ShowRecipients' order by 1";
    assert_eq!(clinic.fleet.rows.column::<String>(audit).await, ["kari/shown", "ole/shown", "per/actor-unknown"]);
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_an_administrator_goes_back_to_the_default_and_it_stays() {
    let (mut clinic, epj) = open().await;
    let set = |actor: &str, arguments| of(actor, "SetRecipients", arguments);
    let default = || json!({ "kind": "RESEPTFORNYELSE", "mode": "default" });
    assert_eq!(epj.refused(&set("kari", default())).await, ("role-missing".into(), "actor".into()));
    let with_somebody = json!({ "kind": "RESEPTFORNYELSE", "mode": "default", "recipients": [{ "clinic": true }] });
    assert_eq!(epj.refused(&set("siri", with_somebody)).await, ("recipient-unwanted".into(), "arguments.recipients".into()));
    epj.done(&set("siri", default())).await;
    clinic.fleet.apply(include_str!("../../../../fixtures/clinic.json")).await;
    let now = rule(&epj, "RESEPTFORNYELSE").await;
    assert_eq!(
        (&now["mode"], &now["recipients"], &now["is_default"]),
        (&json!("fast"), &json!([{ "clinic": true }]), &json!(true))
    );
    assert_eq!(now["chosen_by"], json!({ "by": "employee", "employee": "siri" }), "the set-up file does not undo it");
    clinic.send(&[Message::reseptfornyelse()]).await;
    clinic.receipt().await;
    let inbox = "select employee || '/' || array_to_string(via, ',') from dialogpost.inbox_item order by 1";
    assert_eq!(clinic.fleet.rows.column::<String>(inbox).await, ["kari/clinic", "ole/clinic", "siri/clinic"]);
    let audit = "select actor || '/' || coalesce(detail ->> 'refused', detail #>> '{rule,mode}') from dialogpost.audit
        where clinic = 8141333 and action = 'SetRecipients' order by sequence";
    assert_eq!(clinic.fleet.rows.column::<String>(audit).await, ["kari/role-missing", "siri/default"]);
    clinic.close().await;
}

/// Of one batch too, whoever asks is told what was chosen just before.
#[tokio::test(flavor = "multi_thread")]
async fn r2_r3_who_asks_is_told_what_was_chosen_just_before() {
    let (clinic, epj) = open().await;
    let modes = ["default", "behandler"];
    for mode in modes.into_iter().cycle().take(20) {
        let set = of("siri", "SetRecipients", json!({ "kind": "EKONTAKT", "mode": mode }));
        for command in [set, of("kari", "ShowRecipients", json!({}))] {
            epj.send_raw(COMMANDS, &serde_json::to_vec(&command).unwrap(), mode).await;
        }
    }
    let mut told = 0;
    for _ in 0..40 {
        let reply = epj.next().await;
        let Some(rules) = reply.body["result"]["recipients"]["rules"].as_array() else { continue };
        let default = reply.correlation == "default";
        let mode = if default { "fast" } else { "behandler" };
        let rule = rules.iter().find(|rule| rule["kind"] == "EKONTAKT").unwrap();
        assert_eq!((&rule["mode"], &rule["is_default"]), (&json!(mode), &json!(default)));
        assert_eq!(rule["chosen_by"]["employee"], "siri");
        told += 1;
    }
    assert_eq!(told, 20);
    clinic.close().await;
}
