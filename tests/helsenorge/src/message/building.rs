//! A message in the making → its bytes and properties.

use super::{Message, NO_ID, Sent};
use crate::{clock, metadata};
use messages::transport::Properties;
use messages::wire::dialogmelding::Dialogmelding;
use messages::wire::hodemelding::{Content, Document, MsgHead};
use std::collections::BTreeMap;

impl Message {
    /// The message with its properties.
    ///
    /// # Panics
    /// When the header lacks what the writer needs; only [`Message::edit`] can bring that about.
    pub fn build(&self) -> Sent {
        Sent {
            transport_id: self.transport_id.clone(),
            msg_id: self.head.msg_id.clone().unwrap_or_default(),
            queue: self.queue.clone(),
            properties: self.properties(),
            body: self.raw_body.clone().unwrap_or_else(|| self.xml().into()),
        }
    }

    pub(super) fn edit_dialog(self, change: impl FnOnce(&mut Dialogmelding)) -> Self {
        self.edit(|head| {
            if let Some(Document { content: Content::Dialogmelding(dialog), .. }) = head.documents.first_mut() {
                change(dialog);
            }
        })
    }

    fn xml(&self) -> String {
        let msg_id = self.head.msg_id.clone().unwrap_or_else(|| NO_ID.to_owned());
        let issued = |document: &Document| Document { issue_date: self.head.gen_date.clone(), ..document.clone() };
        let documents = self.head.documents.iter().map(issued).collect();
        let head = MsgHead { msg_id: Some(msg_id), documents, ..self.head.clone() };
        let xml = head.to_xml().unwrap_or_else(|error| panic!("this message cannot be written: {error}"));
        let mut xml = String::from_utf8(xml).expect("the writer writes UTF-8");
        if self.head.msg_id.is_none() {
            xml = xml.replace(&format!("<MsgId>{NO_ID}</MsgId>"), "");
        }
        self.replacements.iter().fold(xml, |xml, (from, to)| xml.replace(from, to))
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties {
            message_id: Some(self.transport_id.clone()),
            correlation_id: Some(self.transport_id.clone()),
            subject: self.head.msg_type.as_ref().and_then(|t| t.v.clone()),
            to: Some(self.queue.clone()),
            reply_to: Some(self.reply_to.clone()).filter(|queue| !queue.is_empty()),
            content_type: Some(self.content_type.clone()),
            ttl_ms: self.ttl_ms,
            application: self.application(),
        };
        for (key, value) in &self.overrides {
            metadata::set(&mut properties, key, value.clone());
        }
        properties
    }

    fn application(&self) -> BTreeMap<String, String> {
        let party = |o: &Option<messages::wire::hodemelding::Organisation>| {
            o.as_ref().and_then(|o| o.level_2_her_id()).unwrap_or_default().to_owned()
        };
        let own = [
            ("fromHerId", party(&self.head.sender)),
            ("toHerId", party(&self.head.receiver)),
            ("applicationTimeStamp", clock::application_time_stamp(self.at)),
            ("enqueuedTimeUtc", clock::enqueued_time(self.at)),
            ("X-SystemIdentifier", "Helsenorge".to_owned()),
            ("X-ExecutingAssembly", "Helsenorge.Messaging".to_owned()),
            ("X-ExecutingAssemblyVersion", "7.0.0.0".to_owned()),
            ("X-TargetFramework", "net8.0".to_owned()),
        ];
        own.into_iter().chain(metadata::of(&self.head)).map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
