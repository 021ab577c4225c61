//! What is kept for how long.

use super::Reader;
use domain::retention::Retention;

impl Reader<'_> {
    pub(super) fn retention(&mut self) -> Option<Retention> {
        let text = self.text("RETENTION").unwrap_or_default();
        let read = Retention::from_config(&text);
        read.map_err(|fault| self.fault("RETENTION", format!("must be {fault}, not {text:?}"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use domain::retention::Kept;

    #[test]
    fn a_fault_names_what_is_allowed() {
        let read = |value: &'static str| {
            Config::read(&|name| match name {
                "DATABASE_URL" => Some("postgres://u:p@h/d".into()),
                "AMQP_URL" => Some("amqp://u:p@h/v".into()),
                "RETENTION" => Some(value.into()),
                _ => None,
            })
        };
        assert_eq!(read("message=30").unwrap().retention.days(Kept::Message), Some(30));
        let faults = read("message=30,processed=7").unwrap_err();
        let said = faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(said, [r#"RETENTION: must be processed=never, or days from 30 to 36500, not "message=30,processed=7""#]);
    }
}
