//! Those who deliver our own notices.

use crate::clock;
use e2e::Fleet;
use receivers::{Authority, MailServer, Speech, WebhookServer, webhook};
use std::collections::HashMap;
use uuid::Uuid;

const SECRET: &str = "hemmelig-hemmelig-hemmelig";

/// A mail server and two providers.
pub(crate) struct Providers {
    sms: WebhookServer,
    push: WebhookServer,
    mail: MailServer,
    authority: Authority,
}

impl Providers {
    /// Their certificates hold by the machine's clock, by which TLS goes; what is signed goes by that of the year.
    pub(crate) async fn open() -> Self {
        let authority = Authority::new();
        webhook::run_on(clock::now);
        Self {
            sms: WebhookServer::start(&authority, SECRET).await,
            push: WebhookServer::start(&authority, SECRET).await,
            mail: MailServer::start(&authority, Speech::Wrapped).await,
            authority,
        }
    }

    /// Tells the fleet of them.
    pub(crate) fn introduce(&self, fleet: &mut Fleet) {
        fleet.settings.extend([
            ("SMS_URL", self.sms.url()),
            ("PUSH_URL", self.push.url()),
            ("WEBHOOK_SECRET", SECRET.to_owned()),
            ("SMTP_URL", self.mail.url()),
            ("SMTP_FROM", "post@legesenter.example".to_owned()),
            ("EXTRA_ROOTS", self.authority.root()),
        ]);
    }

    /// How often each notice came, by its id.
    pub(crate) fn calls(&self) -> HashMap<Uuid, u32> {
        let keys = self.sms.calls().into_iter().chain(self.push.calls()).map(|call| call.key);
        let mails = self.mail.calls().into_iter().filter_map(|mail| mail.header("Message-ID"));
        let ids = mails.filter_map(|id| Some(id.trim_start_matches('<').split_once('@')?.0.to_owned()));
        let mut calls = HashMap::new();
        for id in keys.chain(ids) {
            *calls.entry(id.parse().expect("a notice's id")).or_default() += 1;
        }
        calls
    }
}
