//! `audit`: chains that grow, tampering that is found, and what a patient is told.

use crate::{FIXTURE, Ran, apply, dialogpost, fixture_with, run_with, session, variables};
use domain::audit::{Head, Record};
use messages::HerId;
use serde_json::{Value, json};
use store::{Store, StoreConfig, audit};
use testbed::{World, world};

const CLINIC: &str = "8141333";
const LINE: &str = "15868549960";
const TROND: &str = "47819030045";
/// Synthetic, and no patient of the fixture.
const NOBODY: &str = "01827010045";

fn record(clinic: i64, subject: &str, patients: &[&str]) -> Record {
    Record {
        clinic: HerId::try_from(clinic).ok(),
        at: runtime::clock::system(),
        actor: "kari".into(),
        action: "start-dialog".into(),
        subject: subject.into(),
        patients: patients.iter().map(|nin| (*nin).to_owned().into()).collect(),
        reason: Some("hun ringte".into()),
        detail: Some(json!({ "kind": "EKONTAKT" })),
    }
}

async fn append(world: &World, records: &[Record]) {
    let mut session = session(world).await;
    let tx = session.begin().await.unwrap();
    audit::append(&tx, records).await.unwrap();
    tx.commit().await.unwrap();
}

async fn verify(world: &World, arguments: &[&str]) -> Ran {
    dialogpost(world, &[&["audit", "verify"], arguments].concat()).await
}

/// The head of the clinic's chain, as `--head` takes it.
async fn head(world: &World) -> String {
    let json = verify(world, &[CLINIC, "--json"]).await.code(0).json();
    let head = &json["chains"][0]["head"];
    format!("{}:{}", head["sequence"], head["hash"].as_str().unwrap())
}

/// What a superuser can do whom no trigger stops.
async fn tamper(world: &World, sql: &str) {
    let triggers = |state: &str| format!("alter table dialogpost.audit {state} trigger user");
    world.execute(&format!("{}; {sql}; {}", triggers("disable"), triggers("enable"))).await;
}

#[tokio::test]
async fn a_chain_grows_with_each_change_and_stays_intact() {
    let world = world().await;
    verify(&world, &[]).await.code(0).says(&["Nothing was audited yet."]);
    verify(&world, &[CLINIC]).await.code(2).says(&["No clinic has the HER-id 8141333"]);
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let first = head(&world).await;
    assert!(first.starts_with("3:"), "a row for each rule: {first}");
    let cpa = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/cpa/cpa-v2.xml");
    dialogpost(&world, &["registry", "import", cpa]).await.code(0);
    apply(&world, &fixture_with(&[("/clinics/0/routing/EKONTAKT", json!({ "mode": "behandler" }))])).await.code(0);
    let said = verify(&world, &[]).await.code(0);
    said.says(&["│ 0       ┆ 1    ┆ intact ┆ 1:", "│ 8141333 ┆ 4    ┆ intact ┆ 4:", "Note the heads elsewhere"]);
    verify(&world, &[CLINIC, "--head", &first]).await.code(0).says(&["intact"]);
    let all = verify(&world, &["--json"]).await.code(0).json();
    assert_eq!((&all["intact"], &all["chains"][1]["rows"], &all["chains"][1]["broken"]), (&json!(true), &json!(4), &Value::Null));
    verify(&world, &["--head", &first]).await.code(2).says(&["CLINIC"]);
    verify(&world, &[CLINIC, "--head", "4:abc"]).await.code(2).says(&["a head is SEQUENCE:HASH"]);
    verify(&world, &["--help"]).await.code(0).says(&["end of a chain together with its head", "noted elsewhere"]);
}

/// Everything at once: no time, text or number that comes back otherwise breaks a chain.
#[tokio::test]
async fn what_is_odd_survives_postgres() {
    let world = world().await;
    let details = [
        json!({ "b": 1, "a": [1.0, 1, 1e2, 1.5e300, 5e-324, -0.0, u64::MAX, i64::MIN], "": null, "aa": {} }),
        json!({ "nul\0": "\0", "\u{10000}": "\u{ffff}", "\u{ff61}": "\u{1}\u{7f}\"\\/\n", "æ": "e\u{301}" }),
        json!(null),
        json!("\\u0000"),
        (0..100).fold(json!("deep"), |inner, _| json!([inner])),
    ];
    let odd = |n: usize, detail: &Value| Record {
        clinic: None,
        at: jiff::Timestamp::from_nanosecond([-1_500, 1_795_000_000_123_456_999][n % 2]).unwrap(),
        actor: "k\0ri".into(),
        action: String::new(),
        subject: "\u{202e}æ\r\n".into(),
        patients: vec!["b".to_owned().into(), "\0".to_owned().into(), "a".to_owned().into(), String::new().into()],
        reason: Some("'; drop --".into()),
        detail: Some(detail.clone()),
    };
    let records: Vec<_> = details.iter().enumerate().map(|(n, detail)| odd(n, detail)).collect();
    append(&world, &records).await;
    append(&world, &[Record { reason: None, detail: None, patients: vec![], ..records[0].clone() }]).await;
    append(&world, &[]).await;
    let json = verify(&world, &["0", "--json"]).await.code(0).json();
    assert_eq!(json["chains"][0]["rows"], 6, "{json}");
}

/// From the rows alone, by what `domain::audit` says of a hash, in another language.
#[tokio::test]
async fn an_auditor_computes_the_hashes_in_sql() {
    let world = world().await;
    let plain =
        |n: usize| Record { detail: None, ..record([0, 8_141_333][n % 2], "æ", &[[LINE, TROND], [TROND, ""]][n % 2][..n % 3]) };
    let records: Vec<_> = (0..12).map(|n| Record { reason: (n % 4 > 0).then(|| "x".repeat(n)), ..plain(n) }).collect();
    append(&world, &records[..5]).await;
    append(&world, &records[5..]).await;
    world
        .execute(
            "create function field(t text) returns bytea language sql as $$
                select coalesce(int8send(octet_length(t)::bigint) || convert_to(t, 'UTF8'), '\\xffffffffffffffff'::bytea) $$",
        )
        .await;
    let computed = "select count(*) from (
            select a.*, lag(hash, 1, decode(repeat('00', 32), 'hex')) over (partition by clinic order by sequence) as before
            from dialogpost.audit a
         ) a where hash = sha256(before || field('dialogpost audit 1') || field(clinic::text) || field(sequence::text)
            || field((extract(epoch from at) * 1000000)::bigint::text) || field(actor) || field(action) || field(subject)
            || field(cardinality(patients)::text)
            || (select coalesce(string_agg(field(nin), ''::bytea order by n), ''::bytea) from unnest(patients) with ordinality p(nin, n))
            || field(reason) || field(detail::text))";
    assert_eq!(world.number(computed).await, 12);
}

/// A change by hand, and the place and the code that tell it; `None` = what only a noted head tells.
type Tampering = (&'static str, &'static str, Option<(i64, &'static str)>, (i64, &'static str));

const TAMPERING: [Tampering; 15] = [
    ("actor", "update dialogpost.audit set actor = 'ole' where sequence = 2", Some((2, "changed")), (2, "changed")),
    (
        "time",
        "update dialogpost.audit set at = at + interval '1 microsecond' where sequence = 2",
        Some((2, "changed")),
        (2, "changed"),
    ),
    ("no time", "update dialogpost.audit set at = 'infinity' where sequence = 2", Some((2, "changed")), (2, "changed")),
    (
        "patients",
        "update dialogpost.audit set patients = '{15868549960}' where sequence = 2",
        Some((2, "changed")),
        (2, "changed"),
    ),
    ("no patient", "update dialogpost.audit set patients = '{null}' where sequence = 2", Some((2, "changed")), (2, "changed")),
    (
        "detail",
        "update dialogpost.audit set detail = jsonb_set(detail, '{after}', '1e400') where sequence = 2",
        Some((2, "changed")),
        (2, "changed"),
    ),
    ("in the middle", "delete from dialogpost.audit where sequence = 2", Some((2, "gap")), (2, "gap")),
    (
        "slipped in",
        "update dialogpost.audit set sequence = sequence + 1000 where sequence >= 2;
         update dialogpost.audit set sequence = sequence - 999 where sequence > 1000;
         insert into dialogpost.audit select clinic, 2, at, actor, action, 'x', patients, reason, detail, hash
            from dialogpost.audit where sequence = 1;
         update dialogpost.audit_head set sequence = 4",
        Some((2, "changed")),
        (2, "changed"),
    ),
    (
        "before the first",
        "insert into dialogpost.audit select clinic, 0, at, actor, action, subject, patients, reason, detail, hash
            from dialogpost.audit where sequence = 1",
        Some((0, "surplus")),
        (0, "surplus"),
    ),
    (
        "before everything",
        "insert into dialogpost.audit select clinic, -9223372036854775808, at, actor, action, subject, patients, reason, detail, hash
            from dialogpost.audit where sequence = 1",
        Some((i64::MIN, "surplus")),
        (i64::MIN, "surplus"),
    ),
    ("the end", "delete from dialogpost.audit where sequence = 3", Some((3, "head-differs")), (3, "cut-off")),
    (
        "the end and the head",
        "delete from dialogpost.audit where sequence = 3;
         update dialogpost.audit_head set sequence = 2, hash = (select hash from dialogpost.audit where sequence = 2)",
        None,
        (3, "cut-off"),
    ),
    ("the head", "update dialogpost.audit_head set hash = ''", Some((3, "head-differs")), (3, "head-differs")),
    ("no head", "delete from dialogpost.audit_head", Some((1, "head-differs")), (1, "head-differs")),
    ("everything", "delete from dialogpost.audit; delete from dialogpost.audit_head", None, (1, "cut-off")),
];

#[tokio::test]
async fn tampering_is_found() {
    for (name, sql, alone, with_head) in TAMPERING {
        let world = world().await;
        dialogpost(&world, &["apply", FIXTURE]).await.code(0);
        let noted = head(&world).await;
        tamper(&world, sql).await;
        let found = |json: Value| {
            let broken = &json["chains"][0]["broken"];
            broken["code"].as_str().map(|code| (broken["sequence"].as_i64().unwrap(), code.to_owned()))
        };
        let owned = |(sequence, code): (i64, &str)| (sequence, code.to_owned());
        let code = i32::from(alone.is_some());
        let plain = verify(&world, &[CLINIC, "--json"]).await.code(code).json();
        assert_eq!(found(plain), alone.map(owned), "{name}");
        let with_noted = verify(&world, &[CLINIC, "--head", &noted, "--json"]).await.code(1).json();
        assert_eq!(found(with_noted), Some(owned(with_head)), "{name}");
        verify(&world, &[CLINIC, "--head", &noted]).await.code(1).says(&["BROKEN at"]).never_says(&[LINE]);
    }
}

#[tokio::test]
async fn a_chain_written_anew_is_told_by_a_noted_head_alone() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let noted = head(&world).await;
    tamper(&world, "delete from dialogpost.audit; delete from dialogpost.audit_head").await;
    let records: Vec<_> = (0..5).map(|n| record(8_141_333, &n.to_string(), &[])).collect();
    append(&world, &records).await;
    verify(&world, &[CLINIC]).await.code(0).says(&["intact"]);
    verify(&world, &[CLINIC, "--head", &noted]).await.code(1).says(&["BROKEN at 3", "the chain was written anew"]);
}

#[tokio::test]
async fn nobody_changes_a_row_in_passing() {
    let world = world().await;
    append(&world, &[record(0, "x", &[])]).await;
    for sql in ["update dialogpost.audit set actor = ''", "delete from dialogpost.audit", "truncate dialogpost.audit"] {
        let refused = format!(
            "do $$ begin {sql}; raise exception 'it was not refused'; exception when restrict_violation then null; end $$"
        );
        world.execute(&refused).await;
    }
}

#[tokio::test]
async fn concurrent_appends_leave_no_gap() {
    const CLINICS: [i64; 3] = [8_141_333, 8_141_444, 0];
    let world = world().await;
    let config = StoreConfig { url: world.database_url.clone(), application: "test".into(), connections: 8, authorities: vec![] };
    let store = Store::new(&config).unwrap();
    let tasks = (0..8).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut session = store.session().await.unwrap();
            for round in 0..20_usize {
                // Each in another order, now and then only some of them, now and then taken back.
                let of = |n: usize| record(CLINICS[(task + round + n) % 3], &format!("{task}.{round}.{n}"), &[LINE]);
                let records: Vec<_> = (0..=(task + round) % 5).map(of).collect();
                let tx = session.begin().await.unwrap();
                audit::append(&tx, &records).await.unwrap();
                if round % 4 != 3 {
                    tx.commit().await.unwrap();
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let appended: usize =
        (0..8_usize).map(|t| (0..20_usize).filter(|round| round % 4 != 3).map(|round| (t + round) % 5 + 1).sum::<usize>()).sum();
    assert_eq!(world.number("select count(*) from dialogpost.audit").await, i64::try_from(appended).unwrap());
    let json = verify(&world, &["--json"]).await.code(0).json();
    let rows: i64 = json["chains"].as_array().unwrap().iter().map(|chain| chain["rows"].as_i64().unwrap()).sum();
    assert_eq!((json["chains"].as_array().unwrap().len(), rows), (3, i64::try_from(appended).unwrap()));
}

#[tokio::test]
async fn a_chain_of_many_pages_is_verified_and_exported_whole() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let records: Vec<_> = (0..2_500).map(|n| record(8_141_333, &n.to_string(), &[[LINE, TROND][n % 2]])).collect();
    append(&world, &records).await;
    let session = session(&world).await;
    let verified = audit::verify(&session, 8_141_333, Some(Head::START)).await.unwrap();
    assert_eq!((verified.rows, verified.head.sequence, verified.broken), (2_503, 2_503, None));
    let told = export(&world, LINE, &["--json"]).await.code(0).json();
    assert_eq!(told["rows"].as_array().unwrap().len(), 1_250);
}

async fn export(world: &World, stdin: &str, arguments: &[&str]) -> Ran {
    let fixed = ["audit", "export", CLINIC, "--patient", "--actor", "siri", "--reason", "the patient asked"];
    run_with(&variables(world), &[&fixed[..], arguments].concat(), stdin).await.never_says(&[LINE, TROND, NOBODY])
}

#[tokio::test]
async fn a_patient_is_told_what_concerns_him_and_nothing_else() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    export(&world, LINE, &[]).await.code(0).says(&["Nothing was done with this patient's data at clinic 8141333"]);
    let records = [
        record(8_141_333, "of line", &[LINE]),
        record(8_141_333, "of trond", &[TROND]),
        record(8_141_333, "of both", &[TROND, LINE]),
        record(8_141_333, "of nobody", &[]),
        record(8_141_444, "of line elsewhere", &[LINE]),
        Record { reason: Some(format!("om {TROND}")), ..record(8_141_333, "of line, said badly", &[LINE]) },
    ];
    append(&world, &records).await;
    let said = export(&world, &format!("  {LINE}\r\nmore\n"), &[]).await.code(0);
    let said = said.says(&["of line", "of both", "hun ringte", "audit-export", "(hidden, 14 bytes)", "the patient asked"]);
    said.never_says(&["of trond", "of nobody", "elsewhere", "EKONSULTASJON"]);
    let json = export(&world, LINE, &["--json"]).await.code(0).json();
    let actions: Vec<_> = json["rows"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    let dialog = "start-dialog";
    assert_eq!(actions, ["audit-export", dialog, dialog, dialog, "audit-export"], "the exports before it stand in it");
    assert_eq!((&json["known"], &json["rows"][1]["detail"]["kind"]), (&json!(true), &json!("EKONTAKT")));
    let audited = "select count(*) from dialogpost.audit where action = 'audit-export' and actor = 'siri' and clinic = 8141333
         and reason = 'the patient asked' and patients = '{15868549960}' and subject like 'patient %'";
    assert_eq!(world.number(audited).await, 3);
    verify(&world, &[CLINIC]).await.code(0);
}

#[tokio::test]
async fn whom_the_clinic_does_not_know_is_told_so_and_audited() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    export(&world, NOBODY, &[]).await.code(1).says(&["Clinic 8141333 has no patient of this number"]);
    let audited = format!("select count(*) from dialogpost.audit where subject = 'no patient' and patients = '{{{NOBODY}}}'");
    assert_eq!(world.number(&audited).await, 1);
}

#[tokio::test]
async fn what_is_no_export_leaves_no_trace() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    for (stdin, why) in [("", "eleven digits"), ("1586854996", "eleven digits"), ("15868549961", "second control digit")] {
        export(&world, stdin, &[]).await.code(2).says(&[why, "Nothing was exported"]);
    }
    let numbered = ["audit", "export", CLINIC, "--patient", "--reason", "om 158685 49960"];
    let refused = run_with(&variables(&world), &numbered, LINE).await.code(2);
    refused.says(&["without an identity number"]).never_says(&["49960"]);
    let elsewhere = ["audit", "export", "8141444", "--patient", "--reason", "the patient asked"];
    run_with(&variables(&world), &elsewhere, LINE).await.code(2).says(&["No clinic has the HER-id 8141444"]);
    run_with(&variables(&world), &["audit", "export", CLINIC, "--reason", "x"], LINE).await.code(2).says(&["--patient"]);
    run_with(&variables(&world), &["audit", "export", CLINIC, "--patient"], LINE).await.code(2).says(&["--reason"]);
    assert_eq!(world.number("select count(*) from dialogpost.audit where action = 'audit-export'").await, 0);
}
