//! S3: files.

use super::{LINE, dialog, head, of, open, shown};
use e2e::epj::{COMMANDS, Epj, base64};
use e2e::{Clinic, Fleet};
use helsenorge::Message;
use messages::wire::hodemelding::Content;
use serde_json::json;
use uuid::Uuid;

const MIB: usize = 1024 * 1024;

fn pdf(bytes: usize) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend((0..).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).take(bytes - file.len()));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_files_go_along_up_to_the_limit_and_not_a_byte_beyond() {
    let clinic = Clinic::of(Fleet::new().await).await;
    super::by_the_schemas();
    let epj = clinic.epj().await;
    let (large, small) = (pdf(12 * MIB - 100), pdf(100));
    let (first, second) = (epj.upload(8_141_333, "kari", &large).await, epj.upload(8_141_333, "kari", &small).await);
    let attached = |uploads: &[(Uuid, &str)]| {
        let files: Vec<_> = uploads.iter().map(|(id, name)| json!({ "file_name": name, "upload": id })).collect();
        let arguments =
            json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Bilder", "text": "Se her", "attachments": files });
        of("kari", "StartDialog", arguments)
    };
    let third = epj.upload(8_141_333, "kari", &pdf(101)).await;
    let too_much = attached(&[(first, "a.pdf"), (third, "b.pdf")]);
    let answer = epj.ask(&too_much).await;
    let said = answer["refusal"]["english"].as_str().unwrap();
    assert!(said.contains("12582913") && said.contains("12582912"), "both figures: {said}");
    epj.done(&attached(&[(first, "a.pdf"), (second, "b.pdf")])).await;
    let head = head(&clinic.sent().await);
    let files: Vec<_> = head
        .documents
        .iter()
        .filter_map(|d| match &d.content {
            Content::Attachment(bytes) => Some((d.description.clone().unwrap().into_inner(), bytes.expose().clone())),
            _ => None,
        })
        .collect();
    assert!(files == [("a.pdf".to_owned(), large), ("b.pdf".to_owned(), small)], "every byte, in order");
    assert_eq!(clinic.fleet.rows.count("dialogpost.upload").await, 1, "what is attached is spooled no longer");
    let again = attached(&[(first, "a.pdf")]);
    assert_eq!(epj.refused(&again).await, ("upload-incomplete".into(), "arguments.attachments[0].upload".into()));
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_bytes_that_lie_about_their_type_and_parts_that_do_not_fit() {
    let (clinic, epj) = open().await;
    let lying = epj.upload(8_141_333, "kari", b"MZ this is a program").await;
    let start = |upload: Uuid, name: &str| {
        let files = [json!({ "file_name": name, "upload": upload })];
        of(
            "kari",
            "StartDialog",
            json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Hei", "text": "Hei", "attachments": files }),
        )
    };
    let at = |code: &str, field: &str| (code.to_owned(), field.to_owned());
    assert_eq!(epj.refused(&start(lying, "svar.pdf")).await, at("attachment-type", "arguments.attachments[0].upload"));
    assert_eq!(epj.refused(&start(lying, "../svar.pdf")).await, at("text-control", "arguments.attachments[0].file_name"));
    let part = |upload: Uuid, part: u32, parts: u32, bytes: &str| {
        of("kari", "UploadAttachment", json!({ "upload": upload, "part": part, "parts": parts, "bytes": bytes }))
    };
    let upload = Uuid::new_v4();
    assert_eq!(epj.done(&part(upload, 2, 2, &base64(b"rest"))).await["missing"], 1);
    assert_eq!(epj.refused(&start(upload, "a.pdf")).await, at("upload-incomplete", "arguments.attachments[0].upload"));
    for (command, field) in [
        (part(upload, 3, 3, &base64(b"x")), "arguments.parts"),
        (part(upload, 3, 2, &base64(b"x")), "arguments.part"),
        (part(upload, 1, 2, "no base64"), "arguments.bytes"),
        (part(upload, 1, 2, &base64(&vec![0; 256 * 1024 + 1])), "arguments.bytes"),
    ] {
        assert_eq!(epj.refused(&command).await, at("upload-part", field));
    }
    assert_eq!(clinic.fleet.rows.count("dialogpost.dialog").await, 0, "nothing is half stored");
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_patient_sent_is_fetched_in_parts() {
    let (mut clinic, epj) = open().await;
    let file = pdf(600 * 1024);
    clinic.send(&[Message::ekontakt().attachment("bilde.pdf", "application/pdf", &file)]).await;
    clinic.receipt().await;
    let seen = shown(&epj, dialog(&clinic).await).await;
    let info = &seen["entries"][0]["attachments"][0];
    assert_eq!((&info["file_name"], &info["bytes"]), (&json!("bilde.pdf"), &json!(file.len())));
    let mut fetched = Vec::new();
    for part in 1..=3 {
        let arguments = json!({ "entry": seen["entries"][0]["entry"], "number": 1, "part": part });
        let result = epj.done(&of("kari", "FetchAttachment", arguments)).await;
        assert_eq!((&result["part"], &result["parts"]), (&json!(part), &json!(3)));
        fetched.push(result["bytes"].as_str().unwrap().to_owned());
    }
    let bytes: Vec<String> = file.chunks(256 * 1024).map(base64).collect();
    assert!(fetched == bytes);
    let beyond = json!({ "entry": seen["entries"][0]["entry"], "number": 1, "part": 4 });
    assert_eq!(epj.refused(&of("kari", "FetchAttachment", beyond)).await.0, "attachment-unknown");
    clinic.close().await;
}

/// An id that is used again at once: what was attached stays what it was, and the other file waits for whoever attaches it.
#[tokio::test(flavor = "multi_thread")]
async fn s3_an_upload_under_the_id_of_one_just_attached_is_another_file() {
    super::by_the_schemas();
    let fleet = Fleet::new().await;
    let epj = Epj::connect(&fleet.world.amqp_url).await;
    let first = fleet.start();
    let upload = epj.upload(8_141_333, "kari", &pdf(1000)).await;
    first.stop().await;
    let files = json!([{ "file_name": "a.pdf", "upload": upload }]);
    let start = json!({ "kind": "EKONTAKT", "patient": LINE, "subject": "Fil", "text": "Se her", "attachments": files });
    let other = json!({ "upload": upload, "part": 1, "parts": 1, "bytes": base64(&pdf(2000)) });
    for command in [of("kari", "StartDialog", start), of("kari", "UploadAttachment", other)] {
        epj.send_raw(COMMANDS, &serde_json::to_vec(&command).unwrap(), "1").await;
    }
    let clinic = Clinic::of(fleet).await;
    assert_eq!(epj.next().await.body["result"]["type"], "written");
    assert_eq!(epj.next().await.body["result"], json!({ "type": "uploaded", "upload": upload, "missing": 0 }));
    clinic.sent().await;
    let bytes = |table: &str| format!("select octet_length(bytes) from dialogpost.{table}");
    assert_eq!(clinic.fleet.rows.column::<i32>(&bytes("attachment")).await, [1000]);
    assert_eq!(clinic.fleet.rows.column::<i32>(&bytes("upload_part")).await, [2000]);
    clinic.close().await;
}
