//! Commands that fall into one batch.

use e2e::Fleet;
use e2e::epj::{COMMANDS, Epj, command};
use helsenorge::Message;
use helsenorge::example::{LINE, SOLBAKKEN};
use serde_json::{Value, json};
use std::time::Duration;

fn of(actor: &str, name: &str, arguments: Value) -> Value {
    command(name, SOLBAKKEN, actor, arguments)
}

fn start(text: &str) -> Value {
    of("kari", "StartDialog", json!({ "kind": "EDIALOG", "patient": LINE.nin, "subject": "Hei", "text": text }))
}

/// A question that is sent right behind commands finds what they have done, also when all are handled at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_finds_what_was_done_before_it() {
    super::by_the_schemas();
    let fleet = Fleet::new().await;
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let running = fleet.start();
    let dialog = epj.done(&start("Hei")).await["dialog"].clone();
    running.stop().await;

    // Nobody works meanwhile: what is sent now is taken at once.
    let show = || of("kari", "ShowDialog", json!({ "dialog": dialog }));
    let reply = of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Og en ting til" }));
    let close = of("kari", "CloseDialog", json!({ "dialog": dialog }));
    let sent = [show(), reply, show(), close, show()];
    for (n, command) in sent.iter().enumerate() {
        epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), &n.to_string()).await;
    }
    let running = fleet.start();
    let mut answers = Vec::new();
    for _ in &sent {
        answers.push(epj.next().await);
    }
    answers.sort_by_key(|answer| answer.correlation.clone());
    let seen = |n: usize| {
        let dialog = &answers[n].body["result"]["dialog"];
        (dialog["closed"].clone(), dialog["entries"].as_array().unwrap().len())
    };
    assert_eq!([seen(0), seen(2), seen(4)], [(json!(false), 1), (json!(false), 2), (json!(true), 3)]);
    running.stop().await;
}

/// Two conversions at once are two: what comes under the kind between is still of the thread.
#[tokio::test(flavor = "multi_thread")]
async fn k3_p3_no_kind_is_lost_when_a_dialog_is_converted_twice_at_once() {
    let (mut clinic, epj) = super::open().await;
    let sent = clinic.send(&[Message::reseptfornyelse()]).await.remove(0);
    clinic.receipt().await;
    let dialog = super::dialog(&clinic).await;
    let of_dialog = |to: &str, text: Option<&str>| {
        let mut arguments = json!({ "dialog": dialog, "to": to });
        text.into_iter().for_each(|text| arguments["text"] = json!(text));
        of("kari", "ConvertDialog", arguments)
    };
    // While the row is held nothing is decided: both then wait in the queue.
    let store = clinic.fleet.store();
    let mut session = store.session().await.unwrap();
    let tx = session.begin().await.unwrap();
    store::known::dialogs_locked(&tx, &[(SOLBAKKEN.try_into().unwrap(), dialog)]).await.unwrap();
    let held = of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" }));
    for (n, command) in
        [held, of_dialog("EKONTAKT", Some("Dette må vi snakke om")), of_dialog("EKONSULTASJON", None)].iter().enumerate()
    {
        epj.send_raw(COMMANDS, &serde_json::to_vec(command).unwrap(), &n.to_string()).await;
    }
    clinic
        .fleet
        .until("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()", 1)
        .await;
    drop(tx);
    for _ in 0..3 {
        epj.next().await;
    }
    let kinds = "select unnest(former_kinds || kind) from dialogpost.dialog";
    let was = clinic.fleet.rows.column::<String>(kinds).await;
    assert_eq!(was, ["RESEPTFORNYELSE", "EKONTAKT", "EKONSULTASJON"]);
    clinic.sent().await;
    clinic.send(&[Message::svar().in_conversation(&sent.msg_id, &sent.msg_id)]).await;
    clinic.receipt().await;
    assert_eq!(
        (clinic.fleet.rows.count("dialogpost.dialog").await, clinic.fleet.rows.count("dialogpost.journal_entry").await),
        (1, 3)
    );
    clinic.close().await;
}

/// A command that the database never gets done in time holds nobody up for ever: it is answered, and the operators have it.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_always_too_slow_makes_way() {
    super::by_the_schemas();
    let fleet = Fleet::new().await;
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    fleet
        .rows
        .query(
            "create function dialogpost.slow() returns trigger language plpgsql as $$ begin
                if new.text = 'x' then raise exception using errcode = '57014'; end if;
                return new;
             end $$",
            &[],
        )
        .await;
    fleet
        .rows
        .query(
            "create trigger slow before insert on dialogpost.dialog_entry for each row execute function dialogpost.slow()",
            &[],
        )
        .await;
    let running = fleet.start();
    let slow = serde_json::to_vec(&start("x")).unwrap();
    epj.send_raw(COMMANDS, &slow, "slow").await;
    epj.send_raw(COMMANDS, &serde_json::to_vec(&start("Hei")).unwrap(), "next").await;
    let mut answers = [epj.next().await, epj.next().await];
    answers.sort_by_key(|answer| answer.correlation.clone());
    assert_eq!((&answers[0].body["outcome"], &answers[1].body["refusal"]["code"]), (&json!("done"), &json!("internal-error")));
    let letters = "select code from dialogpost.dead_letter";
    assert_eq!(fleet.rows.column::<String>(letters).await, ["database-too-slow"]);
    tokio::time::timeout(Duration::from_secs(5), epj.done(&start("Hei"))).await.unwrap();
    running.stop().await;
}
