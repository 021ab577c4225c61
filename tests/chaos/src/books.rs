//! The accounting when all is over: nothing lost, nothing doubled, nothing out of order, nothing left, nothing seen.

use crate::logs;
use crate::traffic::{CANARY, End, PATIENTS, Said, Sent};
use chaos::count::{EFFECTS, EMPTY};
use e2e::{Fleet, Rows};
use helsenorge::example::LINE;
use helsenorge::{HelseNorge, synthetic_patients};
use std::collections::{BTreeMap, HashMap, HashSet};

/// HelseNorge's own async queue, and where NHN's broker puts what nobody could take.
const THEIRS: [&str; 2] = ["8093244_async", "8141333_dl"];

/// The lines of the accounting: what was counted, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) counts: BTreeMap<&'static str, usize>,
    pub(crate) faults: Vec<String>,
}

impl Books {
    fn demand(&mut self, what: &str, got: usize, want: usize) {
        if got != want {
            self.faults.push(format!("{what}: {got}, not {want}"));
        }
    }
}

/// Looks into everything; so many processes were started.
pub(crate) async fn close(fleet: &Fleet, said: &Said, launched: usize) -> Books {
    let mut books = Books::default();
    let rows = Rows::connect(&fleet.world.database_url).await;
    heard(&mut books, said);
    ledger(&mut books, said, &rows).await;
    order(&mut books, said, &rows).await;
    left(&mut books, fleet, &rows).await;
    leaks(&mut books, fleet, &rows, launched).await;
    books
}

/// By what HelseNorge heard.
fn heard(books: &mut Books, said: &Said) {
    let (accepted, rejected, refused) = (said.count(End::Accepted), said.count(End::Rejected), said.count(End::Refused));
    books.counts.extend([
        ("accepted", accepted),
        ("rejected", rejected),
        ("refused", refused),
        ("answers repeated", said.repeated),
    ]);
    let mut wrong = HashMap::new();
    for (id, Sent { end, .. }) in &said.sent {
        let receipts = said.receipts.get(id);
        let fault = match (end, receipts.map_or(0, HashMap::len)) {
            (End::Refused, 0) | (End::Accepted | End::Rejected, 1) => match receipts.and_then(|ids| ids.values().next()) {
                Some(positive) if *positive != (*end == End::Accepted) => "answered with the opposite",
                _ => continue,
            },
            (_, 0) => "without a receipt",
            _ => "with receipts too many",
        };
        *wrong.entry(fault).or_insert(0) += 1;
    }
    books.faults.extend(wrong.into_iter().map(|(fault, count)| format!("{count} messages {fault}")));
    let strange = said.receipts.keys().filter(|id| !said.sent.contains_key(*id)).count();
    books.demand("receipts of what nobody sent", strange, 0);
    let errors = |sent: &&String| said.errors.get(*sent).map_or(0, HashSet::len) == 1;
    let told = said.sent.values().filter(|sent| sent.end == End::Refused).map(|sent| &sent.transport_id).filter(errors).count();
    books.demand("messages that were refused with one error message", told, refused);
    books.demand("error messages of what was not refused, or was never sent", said.errors.len(), refused);
}

/// By the ledger: what was sent is there once, with each effect once.
async fn ledger(books: &mut Books, said: &Said, rows: &Rows) {
    let mut expected: HashSet<&str> =
        said.sent.iter().filter(|(_, sent)| sent.end == End::Accepted).map(|(id, _)| id.as_str()).collect();
    let (mut strange, mut wrong) = (0, HashMap::<String, usize>::new());
    for row in rows.query(EFFECTS, &[]).await.iter().filter(|row| row.get::<_, &str>(7) == "accepted") {
        strange += usize::from(!expected.remove(row.get::<_, &str>(1)));
        let became = (
            row.get::<_, Option<&str>>(2),
            row.get::<_, i64>(3),
            row.get::<_, i64>(4),
            row.get::<_, &str>(5),
            row.get::<_, i64>(6),
        );
        if became != (Some("journaled_and_delivered"), 1, 1, "kari", 1) {
            *wrong.entry(format!("{became:?}")).or_default() += 1;
        }
    }
    books.demand("accepted messages that are in the ledger twice, or were never sent", strange, 0);
    books.demand("accepted messages that are not in the ledger", expected.len(), 0);
    let told = |(became, count)| format!("{count} messages with state, entries, journal entries, inboxes, answers {became}");
    books.faults.extend(wrong.into_iter().map(told));
    for table in ["dialog_entry", "inbox_item", "journal_entry"] {
        let got = usize::try_from(rows.count(&format!("dialogpost.{table}")).await).unwrap_or_default();
        books.demand(table, got, said.count(End::Accepted));
    }
    let received = usize::try_from(rows.count("dialogpost.message where direction = 'in'").await).unwrap_or_default();
    books.demand("messages in the ledger", received, said.sent.len());
    let unbalanced = rows.one::<i64>("select count(*) from dialogpost.message_state where state in ('in_flight', 'dead')").await;
    books.demand("messages in flight, or dead", usize::try_from(unbalanced).unwrap_or_default(), 0);
}

/// Dialogs of several messages: their order is that of sending.
async fn order(books: &mut Books, said: &Said, rows: &Rows) {
    let sql = "select m.msg_id, e.dialog::text, e.sequence from dialogpost.dialog_entry e join dialogpost.message m using (id)";
    let places: HashMap<String, (String, i32)> =
        rows.query(sql, &[]).await.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    let in_order = |ids: &&Vec<String>| {
        let places: Option<Vec<_>> = ids.iter().map(|id| places.get(id)).collect();
        places.is_some_and(|places| {
            places.iter().zip(1..).all(|((dialog, sequence), nth)| *sequence == nth && *dialog == places[0].0)
        })
    };
    let kept = said.dialogs.iter().filter(in_order).count();
    books.counts.insert("dialogs of several messages", said.dialogs.len());
    books.demand("dialogs in order", kept, said.dialogs.len());
}

async fn left(books: &mut Books, fleet: &Fleet, rows: &Rows) {
    let helsenorge = HelseNorge::connect(&fleet.world.amqp_url, e2e::NHN_EXCHANGE).await.expect("the broker answers");
    for queue in EMPTY.into_iter().chain(THEIRS) {
        let waiting = helsenorge.waiting_on(queue).await.expect("the queue is there") as usize;
        books.demand(&format!("messages on {queue}"), waiting, 0);
    }
    for (what, sql) in [
        ("rows in the outbox", "select count(*) from dialogpost.outbox"),
        ("attempts spent on waiting", "select count(*) from public.attempt_spent"),
        ("open dead letters", "select count(*) from dialogpost.dead_letter_state where state <> 'done'"),
    ] {
        books.demand(what, usize::try_from(rows.one::<i64>(sql).await).unwrap_or_default(), 0);
    }
    let replayed = rows.one::<i64>("select count(*) from dialogpost.dead_letter_state where state = 'done'").await;
    books.counts.insert("dead letters replayed", usize::try_from(replayed).unwrap_or_default());
}

/// Who the patients are, and what they wrote, in anything that was logged, by whomever, or that operators read.
async fn leaks(books: &mut Books, fleet: &Fleet, rows: &Rows, launched: usize) {
    let patients = synthetic_patients(PATIENTS + 1);
    let secrets: HashSet<&str> = patients.iter().map(|patient| patient.nin.as_str()).chain([LINE.nin]).collect();
    let leaks = |text: &str| {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|number| number.len() == 11);
        text.matches(CANARY).count() + numbers.filter(|number| secrets.contains(number)).count()
    };
    let logs = logs::all(fleet);
    let mut found = logs.iter().map(|log| leaks(log)).sum::<usize>();
    for sql in [
        "select concat_ws(' ', text, code, fault, queue) from dialogpost.dead_letter",
        "select concat_ws(' ', code, function) from dialogpost.message",
        "select concat_ws(' ', actor, action, subject, reason, detail::text) from dialogpost.audit",
    ] {
        found += rows.column::<String>(sql).await.iter().map(|text| leaks(text)).sum::<usize>();
    }
    let workers = logs.iter().filter(|log| log.contains("runtime::process")).count();
    books.counts.extend([("logs read", logs.len()), ("bytes of logs", logs.iter().map(String::len).sum())]);
    books.counts.extend([("processes started", launched), ("logs of workers", workers)]);
    // Who is killed before he has said anything leaves an empty one; of half of them something must be there to be looked at.
    books.demand("logs of workers for half of what was started", usize::from(workers * 2 >= launched), 1);
    books.demand("numbers or words of patients in logs, dead letters, audit", found, 0);
}
