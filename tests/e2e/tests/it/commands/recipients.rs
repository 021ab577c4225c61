//! R2: who receives, chosen by an administrator.

use super::{of, open};
use helsenorge::Message;
use serde_json::json;

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
    let set = |mode: &str, recipients: serde_json::Value| {
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
