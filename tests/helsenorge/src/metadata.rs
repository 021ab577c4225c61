//! Properties by name, and what HelseNorge copies from a message's header into them, for those who route before they decrypt.

use messages::transport::Properties;
use messages::wire::hodemelding::{Content, MsgHead, Organisation, her_id_of};
use messages::wire::namespaces::DIALOG_1_1;

/// Keys and values; empty ones are left out, the three about attachments are always there.
pub(crate) fn of(head: &MsgHead) -> Vec<(&'static str, String)> {
    let conversation = head.conversation_ref.as_ref();
    let optional = [
        ("X-MessageInfo-Type", head.msg_type.as_ref().and_then(|t| t.v.clone())),
        ("X-MessageInfo-MsgId", head.msg_id.clone()),
        ("X-MessageInfo-RefToParent", conversation.and_then(|c| c.ref_to_parent.clone())),
        ("X-MessageInfo-RefToConversation", conversation.and_then(|c| c.ref_to_conversation.clone())),
        ("X-MessageInfo-SchemaNamespace", schema(head)),
        ("X-Sender-Lvl1Id", level_1(head.sender.as_ref())),
        ("X-Sender-Lvl2Id", level_2(head.sender.as_ref())),
        ("X-Receiver-Lvl1Id", level_1(head.receiver.as_ref())),
        ("X-Receiver-Lvl2Id", level_2(head.receiver.as_ref())),
    ];
    let present = optional.into_iter().filter_map(|(key, value)| Some((key, value.filter(|v| !v.is_empty())?)));
    present.chain(attachments(head)).collect()
}

fn schema(head: &MsgHead) -> Option<String> {
    match &head.documents.first()?.content {
        Content::Dialogmelding(_) => Some(DIALOG_1_1.to_owned()),
        Content::Unknown { namespace, .. } => Some(namespace.clone()),
        _ => None,
    }
}

fn level_1(organisation: Option<&Organisation>) -> Option<String> {
    her_id_of(&organisation?.idents).map(str::to_owned)
}

fn level_2(organisation: Option<&Organisation>) -> Option<String> {
    let organisation = organisation?;
    let service = || organisation.organisation.as_ref().map(|o| &o.idents);
    let idents = organisation.healthcare_professional.as_ref().map(|p| &p.idents).or_else(service)?;
    her_id_of(idents).map(str::to_owned)
}

/// Everything after the first document counts as attached; of files the length of their base64.
fn attachments(head: &MsgHead) -> [(&'static str, String); 3] {
    let later = || head.documents.iter().skip(1).map(|d| &d.content);
    let size =
        |content: &Content| if let Content::Attachment(bytes) = content { bytes.expose().len().div_ceil(3) * 4 } else { 0 };
    let by_reference = later().any(|content| matches!(content, Content::FileReference));
    [
        ("X-AttachmentInfo-Count", later().count().to_string()),
        ("X-AttachmentInfo-TotalSizeInBytes", later().map(size).sum::<usize>().to_string()),
        ("X-AttachmentInfo-HasExternalReference", if by_reference { "True" } else { "False" }.to_owned()),
    ]
}

/// Sets a property by the name it has in AMQP 1.0, any other as an application property.
pub(crate) fn set(properties: &mut Properties, key: &str, value: Option<String>) {
    let field = match key {
        "message-id" => &mut properties.message_id,
        "correlation-id" => &mut properties.correlation_id,
        "subject" => &mut properties.subject,
        "to" => &mut properties.to,
        "reply-to" => &mut properties.reply_to,
        "content-type" => &mut properties.content_type,
        _ => {
            match value {
                Some(value) => properties.application.insert(key.to_owned(), value),
                None => properties.application.remove(key),
            };
            return;
        }
    };
    *field = value;
}
