//! HelseNorge's AppRec 1.1 for what a clinic sent.

use crate::example::{HELSENORGE, HELSENORGE_PARENT, SOLBAKKEN, SOLBAKKEN_PARENT};
use crate::message::Message;
use crate::{clock, parts};
use messages::event::DialogKind;
use messages::wire::apprec::{AppRec, AppRecVersion};
use messages::wire::hodemelding::Code;
use messages::wire::namespaces::APPREC_1_1;
use uuid::Uuid;

/// A receipt in the making: positive unless [`Receipt::rejected`].
#[derive(Clone, Debug)]
pub struct Receipt {
    from: (i64, i64),
    to: (i64, i64),
    function: String,
    original_id: String,
    original_gen_date: String,
    errors: Vec<Code>,
}

impl Receipt {
    /// From HelseNorge to Solbakken, for an eKontakt with this MsgId.
    pub fn for_message(msg_id: &str) -> Self {
        Self {
            from: (HELSENORGE, HELSENORGE_PARENT),
            to: (SOLBAKKEN, SOLBAKKEN_PARENT),
            function: DialogKind::EKontakt.message_function().to_owned(),
            original_id: msg_id.to_owned(),
            original_gen_date: clock::gen_date(clock::now()),
            errors: Vec::new(),
        }
    }

    /// The service of the message it is for.
    #[must_use]
    pub fn of_kind(self, kind: DialogKind) -> Self {
        self.of_process(kind.message_function())
    }

    /// The same of a process that is no dialog.
    #[must_use]
    pub fn of_process(mut self, function: &str) -> Self {
        function.clone_into(&mut self.function);
        self
    }

    /// `GenDate` of the message it is for.
    #[must_use]
    pub fn original_gen_date(mut self, gen_date: &str) -> Self {
        gen_date.clone_into(&mut self.original_gen_date);
        self
    }

    /// Other parties: HER-id and enterprise of who receipts, and of who gets it.
    #[must_use]
    pub fn between(mut self, from: (i64, i64), to: (i64, i64)) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// One more error (8221) with text for people: status 2.
    #[must_use]
    pub fn rejected(mut self, v: &str, text: &str) -> Self {
        self.errors.push(Code { ot: Some(text.to_owned()), ..parts::code(v, text, 8221) });
        self
    }

    /// The receipt in its envelope, which can be changed like any other message's; its content cannot.
    ///
    /// # Panics
    /// When the id or date of the original is none that can be written.
    pub fn to_message(&self) -> Message {
        let id = Uuid::new_v4().to_string();
        let xml = self.apprec(id.clone()).to_xml().unwrap_or_else(|error| panic!("this receipt cannot be written: {error}"));
        let envelope = Message::ekontakt().from(self.from.0, self.from.1).to_clinic(self.to.0, self.to.1).msg_id(&id);
        envelope
            .property("subject", "APPREC")
            .property("X-MessageInfo-Type", "APPREC")
            .property("X-MessageInfo-SchemaNamespace", APPREC_1_1)
            .property("X-MessageInfo-OriginalMsgId", &self.original_id)
            .property("X-MessageInfo-OriginalMsgType", &self.function)
            .without_property("X-AttachmentInfo-Count")
            .without_property("X-AttachmentInfo-TotalSizeInBytes")
            .without_property("X-AttachmentInfo-HasExternalReference")
            .raw_body(xml)
    }

    fn apprec(&self, id: String) -> AppRec {
        let party = |(her_id, parent)| parts::service(("Virksomhet", parent), ("Kommunikasjonspart", her_id));
        let status = if self.errors.is_empty() { Code::new("1", "OK") } else { Code::new("2", "Avvist") };
        AppRec {
            version: AppRecVersion::V1_1,
            id,
            gen_date: clock::gen_date(clock::now()),
            sender: party(self.from),
            receiver: party(self.to),
            status,
            errors: self.errors.clone(),
            original_type: Code::new(&self.function, "Dialog med innbygger"),
            original_gen_date: self.original_gen_date.clone(),
            original_id: self.original_id.clone(),
        }
    }
}
