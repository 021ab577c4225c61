//! One page with pictures, which needs nothing beside it.

use crate::report::{Report, Second};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 70.0;
const COLOURS: [&str; 5] = ["#4c78a8", "#72b7b2", "#f2cf5b", "#f58518", "#e45756"];

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222}\
    table{border-collapse:collapse}td,th{padding:.3em .8em;text-align:right;border-bottom:1px solid #ddd}\
    td:first-child,th:first-child{text-align:left}.good{color:#2a7d2a}.bad{color:#b3261e;font-weight:600}\
    svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#555}";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let verdict = match report.faults.is_empty() && report.missed.is_empty() {
        true => "<p class=good>Nothing lost, nothing doubled, every limit kept.</p>".to_owned(),
        false => {
            let all = report.faults.iter().chain(&report.missed);
            format!("<ul class=bad>{}</ul>", all.map(|fault| format!("<li>{}</li>", escaped(fault))).collect::<String>())
        }
    };
    let rate = report.rate.map_or("as fast as the broker takes them".to_owned(), |rate| format!("{rate} a second"));
    let sent: String = report.sent.iter().map(|(end, n)| format!("<tr><td>{}</td><td>{n}</td></tr>", escaped(end))).collect();
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Dialogpost under load</title><style>{STYLE}</style>\
        <h1>Dialogpost under load</h1><p>{} · {} bytes a message · {rate} · <b>{:.0}</b> messages a second</p>{verdict}\
        <h2>Until the receipt, and on the way</h2>{}{}\
        <h2>Second by second</h2>{}{}\
        <h2>What was sent</h2><table><tr><th>must become<th>messages</tr>{sent}</table>\
        <p>Latencies count from when a message was due to be sent, not from when it was: what waits to be sent is late, too \
        (most behind: {:.1} ms).</p></html>\n",
        report.started_at,
        report.bytes,
        report.msg_per_s,
        stages(report),
        bars(report),
        lines("messages", &report.per_second, &[("sent", |s| s.sent as f64), ("answered", |s| s.answered as f64)]),
        lines("p99, ms", &report.per_second, &[("p99", |s| s.p99_ms)]),
        report.most_behind_ms,
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn stages(report: &Report) -> String {
    let row = |(stage, s): (&&str, &crate::report::Spread)| {
        let cells: String = [s.p50_ms, s.p90_ms, s.p99_ms, s.p999_ms, s.max_ms].map(|ms| format!("<td>{ms:.1}")).concat();
        format!("<tr><td>{stage}{cells}<td>{}</tr>", s.count)
    };
    let rows: String = report.stages.iter().map(row).collect();
    format!("<table><tr><th>ms<th>p50<th>p90<th>p99<th>p99.9<th>max<th>messages</tr>{rows}</table>")
}

/// A bar for each percentile of each stage.
fn bars(report: &Report) -> String {
    let most = report.stages.values().map(|s| s.p999_ms).fold(1.0, f64::max);
    let mut drawn = String::new();
    let mut y = 10.0;
    for (stage, s) in &report.stages {
        drawn.push_str(&format!("<text x=0 y={:.0}>{stage}</text>", y + 12.0));
        for ((name, ms), colour) in
            [("p50", s.p50_ms), ("p90", s.p90_ms), ("p99", s.p99_ms), ("p99.9", s.p999_ms)].iter().zip(COLOURS)
        {
            let width = (WIDTH - LEFT - 120.0) * ms / most;
            drawn.push_str(&format!(
                "<rect x={LEFT} y={y:.0} width={width:.1} height=10 fill='{colour}'/><text x={:.1} y={:.0}>{name} {ms:.1}</text>",
                LEFT + width + 4.0,
                y + 9.0
            ));
            y += 12.0;
        }
        y += 10.0;
    }
    format!("<svg viewBox='0 0 {WIDTH} {y:.0}' role=img aria-label='percentiles of each stage'>{drawn}</svg>")
}

type Series<'a> = (&'a str, fn(&Second) -> f64);

/// A line for each series, over the seconds of the run.
fn lines(what: &str, seconds: &[Second], series: &[Series<'_>]) -> String {
    let most = series.iter().flat_map(|(_, of)| seconds.iter().map(of)).fold(1.0, f64::max);
    let step = (WIDTH - LEFT) / seconds.len().max(1) as f64;
    let mut drawn = String::new();
    for share in [0.0, 0.5, 1.0] {
        let y = HEIGHT - (HEIGHT - 20.0) * share;
        drawn.push_str(&format!(
            "<line x1={LEFT} x2={WIDTH} y1={y:.0} y2={y:.0} stroke='#ddd'/><text x=0 y={y:.0}>{:.0}</text>",
            most * share
        ));
    }
    for ((name, of), (n, colour)) in series.iter().zip(COLOURS.iter().enumerate()) {
        let point = |(place, second): (usize, &Second)| {
            format!("{:.1},{:.1}", LEFT + step * (place as f64 + 0.5), HEIGHT - (HEIGHT - 20.0) * of(second) / most)
        };
        let points: Vec<String> = seconds.iter().enumerate().map(point).collect();
        drawn.push_str(&format!(
            "<polyline fill=none stroke='{colour}' stroke-width=2 points='{}'/><text x={:.0} y=12 style='fill:{colour}'>{name}</text>",
            points.join(" "),
            LEFT + 80.0 * n as f64
        ));
    }
    format!(
        "<figure style='margin:1em 0'><svg viewBox='0 0 {WIDTH} {:.0}' role=img aria-label='{what} in each second'>{drawn}</svg>\
        <figcaption>{what} in each of {} seconds</figcaption></figure>",
        HEIGHT + 10.0,
        seconds.len()
    )
}
