//! Where traces go. The names are OpenTelemetry's own (Environment Variable Specification).

use super::Reader;
use crate::traces::{Share, TracesConfig};
use reqwest::Url;

impl Reader<'_> {
    pub(super) fn traces(&mut self) -> Option<TracesConfig> {
        let collector = self.text("OTEL_EXPORTER_OTLP_ENDPOINT").map_or(Some(None), |text| collector(&text).map(Some));
        // It may hold a secret: it is not quoted.
        let address = "must be an http:// or https:// address without user, password, query or fragment";
        let collector = self.required("OTEL_EXPORTER_OTLP_ENDPOINT", collector, address);
        let share = self.parsed("OTEL_TRACES_SAMPLER_ARG", "1", Share::from_config, "a share from 0 to 1");
        Some(TracesConfig { collector: collector?, share: share? })
    }
}

fn collector(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    is_bare.then_some(url)
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn read(collector: &'static str, share: &'static str) -> Result<Config, Vec<String>> {
        let read = Config::read(&|name| match name {
            "DATABASE_URL" => Some("postgres://u:p@h/d".into()),
            "AMQP_URL" => Some("amqp://u:p@h/v".into()),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(collector.into()),
            "OTEL_TRACES_SAMPLER_ARG" => Some(share.into()),
            _ => None,
        });
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nobody_is_sent_anything_unasked() {
        assert_eq!(read("", "").unwrap().traces.collector, None);
        let asked = read("http://collector:4318", "0.01").unwrap().traces;
        assert_eq!(asked.collector.unwrap().as_str(), "http://collector:4318/");
    }

    #[test]
    fn a_fault_names_what_is_allowed() {
        let address =
            "OTEL_EXPORTER_OTLP_ENDPOINT: must be an http:// or https:// address without user, password, query or fragment";
        for wrong in
            ["collector:4317", "grpc://collector", "http://u:hemmelig@collector", "http://collector?x=y", "http://collector#x"]
        {
            assert_eq!(read(wrong, "").unwrap_err(), [address], "{wrong}");
        }
        let share = r#"OTEL_TRACES_SAMPLER_ARG: must be a share from 0 to 1, not "10%""#;
        assert_eq!(read("", "10%").unwrap_err(), [share]);
    }
}
