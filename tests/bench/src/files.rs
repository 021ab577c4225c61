//! What the largest file costs in memory, on its way from a journal system to HelseNorge: in each worker, a process of its own.

use crate::meter::Process;
use e2e::epj::{COMMANDS, Epj, base64, command};
use e2e::{Exchange, Fleet, Program};
use helsenorge::example::{LINE, SOLBAKKEN};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// Bytes of the file: as many as there may be.
const FILE: usize = 12 * 1024 * 1024;
/// Promised: no worker takes as much as so many files for one.
const MOST_FILES: f64 = 3.0;
/// Bits of the keys.
const BITS: u32 = 2048;

/// The figures, in sizes of the file above what the process had before.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Most memory of `clinic-commands`, while every part of the file is in its queue at once.
    upload_peak_in_files: f64,
    /// While it writes the dialog.
    write_peak_in_files: f64,
    /// Most of `helsenorge-outbound`, unprotected.
    send_peak_in_files: f64,
    /// The same, signed and encrypted.
    seal_peak_in_files: f64,
    file_bytes: usize,
}

impl Figures {
    /// A line for people.
    pub(crate) fn for_people(&self) -> String {
        format!(
            "a file of {} MiB takes {:.2} times that in memory as it is uploaded, {:.2} as it is written, {:.2} as it is sent, {:.2} sealed",
            self.file_bytes >> 20,
            self.upload_peak_in_files,
            self.write_peak_in_files,
            self.send_peak_in_files,
            self.seal_peak_in_files,
        )
    }
}

/// Plain, then signed and encrypted.
pub(crate) async fn measure(fleet: Fleet) -> Figures {
    eprintln!("the largest file ...");
    let [upload, write, send] = through(&fleet, 0).await;
    let exchange = Exchange::new(BITS);
    let fleet = exchange.fleet_of(fleet).await;
    let [upload_again, write_again, seal] = through(&fleet, 2).await;
    for peak in [upload, upload_again, write, write_again, send, seal] {
        assert!(peak < MOST_FILES, "a worker took {peak} times the file, not less than {MOST_FILES}");
    }
    Figures {
        upload_peak_in_files: upload.max(upload_again),
        write_peak_in_files: write.max(write_again),
        send_peak_in_files: send,
        seal_peak_in_files: seal,
        file_bytes: FILE,
    }
}

/// A small file, so that what is kept for good is there, then the largest: peaks of uploading, writing and sending it.
async fn through(fleet: &Fleet, sent_before: i64) -> [f64; 3] {
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let commands = fleet.spawn_self("clinic-commands").await;
    let outbound = fleet.spawn_self("helsenorge-outbound").await;
    let small = upload(&epj, &[b'x'; 1000]).await;
    write(fleet, &epj, small, sent_before + 1).await;

    let commands_before = before(&commands);
    let file = upload(&epj, &vec![b'x'; FILE - LEAD.len()]).await;
    let upload = since(&commands, commands_before);
    let (commands_before, outbound_before) = (before(&commands), before(&outbound));
    write(fleet, &epj, file, sent_before + 2).await;
    let peaks = [upload, since(&commands, commands_before), since(&outbound, outbound_before)];
    for program in [commands, outbound] {
        assert!(program.terminate().await.0.success());
    }
    peaks
}

fn process(program: &Program) -> Process {
    Process::of(program.pid().unwrap())
}

/// Bytes that it has now, from which on the most is noted.
fn before(program: &Program) -> f64 {
    process(program).forget_peak();
    process(program).peak_bytes()
}

fn since(program: &Program, before: f64) -> f64 {
    let files = (process(program).peak_bytes() - before) / FILE as f64;
    (files * 100.0).round() / 100.0
}

/// How the file begins.
const LEAD: &[u8] = b"%PDF-1.7\n";

/// Gives every part before it hears of the first.
async fn upload(epj: &Epj, rest: &[u8]) -> Uuid {
    let upload = Uuid::new_v4();
    let bytes = [LEAD, rest].concat();
    let parts: Vec<&[u8]> = bytes.chunks(256 * 1024).collect();
    for (n, part) in parts.iter().enumerate() {
        let arguments = json!({ "upload": upload, "part": n + 1, "parts": parts.len(), "bytes": base64(part) });
        let part = serde_json::to_vec(&command("UploadAttachment", SOLBAKKEN, "kari", arguments)).unwrap();
        epj.send_raw(COMMANDS, &part, "1").await;
    }
    for _ in &parts {
        assert_eq!(epj.next().await.body["outcome"], "done");
    }
    upload
}

async fn write(fleet: &Fleet, epj: &Epj, upload: Uuid, sent: i64) {
    let arguments = json!({ "kind": "EKONTAKT", "patient": LINE.nin, "subject": "Fil", "text": "Se her",
        "attachments": [{ "file_name": "a.pdf", "upload": upload }] });
    epj.done(&command("StartDialog", SOLBAKKEN, "kari", arguments)).await;
    fleet.until("select count(*) from dialogpost.sent_state where state in ('sent', 'awaiting_receipt')", sent).await;
}
