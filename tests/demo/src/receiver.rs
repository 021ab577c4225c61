//! A provider of text messages, on this machine and over HTTPS: everything that it is handed is kept in a file, for whoever wants to read it.

use crate::Outcome;
use receivers::{Authority, WebhookServer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

/// How often it is looked what has come.
const GLANCE: Duration = Duration::from_millis(20);

/// Takes text messages until it is told to stop. In `dir` it writes `texts.jsonl`, a line for each as it came; `receiver.pem`, who vouches for
/// it; and, once it takes them, `receiver.env`, by which the fleet finds it.
///
/// # Errors
/// A file cannot be written.
pub(crate) async fn receive(dir: &Path) -> Outcome<bool> {
    let dir = std::path::absolute(dir)?;
    std::fs::create_dir_all(&dir)?;
    let authority = Authority::new();
    let secret = Uuid::new_v4().simple().to_string();
    let server = WebhookServer::start(&authority, &secret).await;
    let (root, texts) = (dir.join("receiver.pem"), dir.join("texts.jsonl"));
    std::fs::copy(authority.root(), &root)?;
    let mut file = File::create(&texts)?;
    let lines =
        [("SMS_URL", server.url()), ("WEBHOOK_SECRET", secret), ("EXTRA_ROOTS", shown(&root)), ("DEMO_TEXTS", shown(&texts))];
    let lines = lines.map(|(name, value)| format!("export {name}='{value}'\n"));
    // All of it or nothing: somebody waits for this file.
    std::fs::write(dir.join("receiver.new"), lines.concat())?;
    std::fs::rename(dir.join("receiver.new"), dir.join("receiver.env"))?;
    let (mut terminate, mut kept) = (signal(SignalKind::terminate())?, BTreeSet::new());
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(true),
            () = tokio::time::sleep(GLANCE) => {}
        }
        for (key, text) in server.notices() {
            if kept.insert(key) {
                writeln!(file, "{text}")?;
            }
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What a provider was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The notice's id.
    pub id: Uuid,
    /// To which telephone.
    pub to: String,
    /// What it says.
    pub text: String,
}

/// Reads what the provider keeps.
pub(crate) struct Texts(PathBuf);

impl Texts {
    /// What it keeps in this file.
    pub(crate) const fn of(file: PathBuf) -> Self {
        Self(file)
    }

    /// All that came, in order.
    ///
    /// # Errors
    /// There is no such file, or it is not the provider's.
    pub(crate) fn all(&self) -> Outcome<Vec<Text>> {
        let kept = std::fs::read_to_string(&self.0).map_err(|error| format!("{}: {error}", self.0.display()))?;
        // A line without its end is being written.
        let whole = kept.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(read).collect()
    }
}

fn read(line: &str) -> Outcome<Text> {
    let body: Value = serde_json::from_str(line)?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).ok_or_else(|| format!("a text message lacks {name}"));
    Ok(Text { id: field("id")?.parse()?, to: field("to")?.to_owned(), text: field("text")?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    #[test]
    fn what_was_handed_over_is_read_but_for_a_line_that_is_being_written() {
        let file = std::env::temp_dir().join(format!("dialogpost-texts-{}", Uuid::new_v4()));
        let id = Uuid::new_v4();
        let mut open = OpenOptions::new().create(true).append(true).open(&file).unwrap();
        write!(open, "{{\"id\":\"{id}\",\"to\":\"+4799900002\",\"text\":\"Hei\"}}\n{{\"id\":").unwrap();
        let all = Texts::of(file.clone()).all().unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(all, [Text { id, to: "+4799900002".into(), text: "Hei".into() }]);
        assert!(Texts::of(file).all().is_err(), "there is none");
    }
}
