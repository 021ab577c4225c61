//! Lists of a clinic with many dialogs: the same whether little or much lies in an inbox.

use super::{LINE, of, open};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// More than an inbox that is looked through holds.
const MANY: i32 = 6000;

/// Dialogs of Line, a second apart; each lies in siri's inbox, every thousandth in ole's too.
const FILL: &str = "with d as (
        insert into dialogpost.dialog (id, clinic, patient, kind, conversation, title, flagged, entries, opened_at, newest_at)
        select gen_random_uuid(), 8141333, p.id, 'EKONTAKT', n::text, n::text, false, 1, t, t
        from dialogpost.patient p, generate_series(1, $1::int) n, lateral (select timestamptz '2026-01-01' + n * interval '1 s') as at(t)
        where p.nin = '15868549960' and p.clinic = 8141333 returning id, conversation, newest_at
     ), e as (
        insert into dialogpost.dialog_entry (id, dialog, sequence, direction, form, text, received_at)
        select gen_random_uuid(), id, 1, 'in', 'foresporsel', 'Hei', newest_at from d returning id, dialog
     )
     insert into dialogpost.inbox_item (entry, employee, clinic, via, flagged, delivered_at)
     select e.id, w.who, 8141333, '{clinic}', false, now() from e join d on d.id = e.dialog,
        lateral (values ('siri'), ('ole')) w(who) where w.who = 'siri' or d.conversation::int % 1000 = 0";

fn titles(result: &Value) -> Vec<i32> {
    result["dialogs"].as_array().unwrap().iter().map(|dialog| dialog["title"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_come_first_for_whoever_receives_much_or_little() {
    let (clinic, epj) = open().await;
    clinic.fleet.rows.query(FILL, &[&MANY]).await;
    let list = |actor: &str, arguments: Value| {
        let command = of(actor, "ListDialogs", arguments);
        let epj = &epj;
        async move { timeout(Duration::from_secs(10), epj.done(&command)).await.expect("a list in time") }
    };
    let much = list("siri", json!({ "limit": 3 })).await;
    assert_eq!(titles(&much), [MANY, MANY - 1, MANY - 2]);
    let after = much["dialogs"][2]["dialog"].clone();
    assert_eq!(titles(&list("siri", json!({ "limit": 2, "after": after })).await), [MANY - 3, MANY - 4]);
    assert_eq!(titles(&list("ole", json!({})).await), [6000, 5000, 4000, 3000, 2000, 1000]);
    assert_eq!(titles(&list("kari", json!({})).await), [0; 0]);
    assert_eq!(titles(&list("kari", json!({ "patient": LINE, "limit": 2 })).await), [MANY, MANY - 1]);
    // Among the many are a request that waits, far down, and a message of kari's that was turned down.
    clinic.fleet.rows.query("update dialogpost.dialog set kind = 'RESEPTFORNYELSE' where title = '7'", &[]).await;
    let turned_down =
        "update dialogpost.inbox_item i set via = '{turned-down}' from dialogpost.dialog_entry e, dialogpost.dialog d
        where e.id = i.entry and d.id = e.dialog and d.title = '9' and i.employee = 'siri'";
    clinic.fleet.rows.query(turned_down, &[]).await;
    assert_eq!(titles(&list("siri", json!({ "only": "turned_down" })).await), [9]);
    assert_eq!(titles(&list("siri", json!({ "only": "unanswered_request" })).await), [7]);
    assert_eq!(titles(&list("ole", json!({ "only": "unanswered_request" })).await), [0; 0]);
    // What one has written in is one's own, also for whoever has much.
    let dialog = much["dialogs"][0]["dialog"].clone();
    epj.done(&of("kari", "ReplyToDialog", json!({ "dialog": dialog, "text": "Hei" }))).await;
    assert_eq!(titles(&list("kari", json!({})).await), [MANY]);
    let own = of("siri", "StartDialog", json!({ "kind": "EDIALOG", "colleagues": ["ole"], "subject": "1", "text": "Hei" }));
    let own = epj.done(&own).await["dialog"].clone();
    assert_eq!(list("siri", json!({ "limit": 1 })).await["dialogs"][0]["dialog"], own);
    clinic.sent().await;
    clinic.close().await;
}
