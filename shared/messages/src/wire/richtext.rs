//! `anyType` text: plain, or XHTML reduced to plain text with its line breaks.

use super::limits::XmlError;
use super::reader::{Item, Reader, Tag, normalised};

/// How a tag shows in plain text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Within the line.
    Inline,
    /// On lines of its own.
    Block,
    /// Ends the line.
    Break,
    /// Not at all.
    Hidden,
}

fn flow_of(tag: &Tag<'_>) -> Flow {
    match tag.local().to_ascii_lowercase().as_str() {
        "br" | "hr" => Flow::Break,
        "p" | "div" | "li" | "ul" | "ol" | "dl" | "dt" | "dd" | "table" | "tr" | "pre" | "blockquote" | "section" | "article"
        | "body" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Flow::Block,
        "script" | "style" | "head" => Flow::Hidden,
        _ => Flow::Inline,
    }
}

/// The text so far, and where its last run began: what stands between two tags.
#[derive(Default)]
struct Plain {
    text: String,
    run: usize,
}

impl Plain {
    /// Ends the run at a tag. White space that only indents markup goes; line breaks within text stay.
    fn end_run(&mut self, line_ends: bool) {
        let run = self.text.split_off(self.run);
        let at_line_start = self.text.is_empty() || self.text.ends_with('\n');
        let run = if at_line_start { run.trim_start() } else { &run };
        self.text.push_str(if line_ends { run.trim_end() } else { run });
        self.run = self.text.len();
    }

    fn tag(&mut self, flow: Flow) {
        self.end_run(matches!(flow, Flow::Block | Flow::Break));
        let on_a_line = !self.text.is_empty() && !self.text.ends_with('\n');
        if flow == Flow::Break || (flow == Flow::Block && on_a_line) {
            self.text.push('\n');
        }
        self.run = self.text.len();
    }
}

/// The text of the element just begun, trimmed at its ends; absent when empty.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<String>, XmlError> {
    reader.quietly(|reader| {
        let mut plain = Plain::default();
        let mut open = Vec::new();
        loop {
            match reader.next()? {
                Item::Text(text) => plain.text.push_str(&normalised(text)),
                Item::Char(c) => plain.text.push(c),
                Item::Start(tag) => match flow_of(&tag) {
                    Flow::Hidden => reader.skip()?,
                    flow => {
                        plain.tag(flow);
                        open.push(flow);
                    }
                },
                Item::End => match open.pop() {
                    // A break has done its work at its start.
                    Some(Flow::Break) => plain.end_run(true),
                    Some(flow) => plain.tag(flow),
                    None => break,
                },
            }
        }
        plain.end_run(true);
        let text = plain.text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::limits::Limits;
    use super::super::reader::Files;
    use super::*;

    fn plain(inner: &str) -> Option<String> {
        let xml = format!("<t>{inner}</t>");
        let limits = Limits::default();
        let mut reader = Reader::new(&xml, &limits, Files::Decoded).unwrap();
        reader.root().unwrap();
        let text = read(&mut reader).unwrap();
        assert!(reader.finish().unwrap().is_empty());
        text
    }

    #[test]
    fn to_plain_text() {
        for (inner, want) in [
            ("en\nto\r\ntre", "en\nto\ntre"),
            ("  ytterst bare  ", "ytterst bare"),
            ("a &lt; b &amp;\n &#229;", "a < b &\n å"),
            ("<![CDATA[a <b> & c]]> d", "a <b> & c d"),
            ("<p>en</p><p>to</p>", "en\nto"),
            ("<div>\n  <p>en</p>\n  <p>to</p>\n</div>", "en\nto"),
            ("en<br/>to<br></br>tre", "en\nto\ntre"),
            ("en<br/>\n   to", "en\nto"),
            ("en<br/><br/>to", "en\n\nto"),
            ("<ul><li>melk</li><li>brød</li></ul>etter", "melk\nbrød\netter"),
            ("<p>litt <b>viktig</b> <i>tekst</i>.</p>", "litt viktig tekst."),
            ("før<div>i<div>dypere</div></div>etter", "før\ni\ndypere\netter"),
            ("<P>en</P><BR/>to", "en\n\nto"),
            ("<style>p{}</style>synlig<script>x()</script>", "synlig"),
            ("<h:p xmlns:h='http://www.w3.org/1999/xhtml' class='x'>en<h:br/>to</h:p>", "en\nto"),
            ("en<!-- ikke -->to", "ento"),
        ] {
            assert_eq!(plain(inner).as_deref(), Some(want), "{inner}");
        }
        assert_eq!(plain(" \n "), None);
        assert_eq!(plain("<p/><br/>"), None);
    }
}
