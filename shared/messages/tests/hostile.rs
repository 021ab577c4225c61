//! What the reader refuses, how fast, and that nothing makes it panic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "common/fixtures.rs"]
mod fixtures;

use fixtures::{fixture, msg_head, read_ok};
use messages::wire::{Incoming, Limits, XmlError, namespaces, read};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Milliseconds in release; unoptimised code on a busy machine gets more.
const AT_ONCE: Duration = if cfg!(debug_assertions) { Duration::from_secs(3) } else { Duration::from_millis(100) };

fn refused(xml: &[u8], want: XmlError) {
    let start = Instant::now();
    assert_eq!(read(xml, &Limits::default()), Err(want));
    let took = start.elapsed();
    println!("{} in {took:?}", want.code());
    assert!(took < AT_ONCE, "{} took {took:?}", want.code());
}

fn tag_with(count: u32, attribute: &str) -> String {
    let mut tag = "<a".to_owned();
    (0..count).for_each(|n| write!(tag, " {attribute}{n}=\"x\"").unwrap());
    tag + "/>"
}

#[test]
fn x1_eighty_thousand_attributes() {
    refused(tag_with(80_000, "a").as_bytes(), XmlError::TooManyAttributes { limit: 64 });
}

#[test]
fn x1_eighty_thousand_namespaces() {
    refused(tag_with(80_000, "xmlns:n").as_bytes(), XmlError::TooManyNamespaces { limit: 64 });
}

#[test]
fn x1_depth_of_a_hundred_thousand() {
    refused("<a>".repeat(100_000).as_bytes(), XmlError::TooDeep { limit: 64 });
    refused(format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)).as_bytes(), XmlError::TooDeep { limit: 64 });
}

#[test]
fn x1_ten_megabytes_of_tags() {
    refused("<a>".repeat(3_500_000).as_bytes(), XmlError::TooDeep { limit: 64 });
}

#[test]
fn x1_billion_laughs() {
    let mut xml = "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY lol \"lol\">".to_owned();
    (1..10).for_each(|n| write!(xml, "<!ENTITY lol{n} \"{}\">", format!("&lol{};", n - 1).repeat(10)).unwrap());
    refused(format!("{xml}]><lolz>&lol9;</lolz>").as_bytes(), XmlError::Doctype);
}

#[test]
fn x1_many_elements() {
    refused(format!("<a>{}</a>", "<b/>".repeat(200_001)).as_bytes(), XmlError::TooManyElements { limit: 200_000 });
}

#[test]
fn x1_too_large() {
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    assert_eq!(read(b"<a>       </a>", &limits), Err(XmlError::TooLarge { limit: 10 }));
}

#[test]
fn x1_limits_include_their_last_value() {
    let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
    assert!(read(deep(64).as_bytes(), &Limits::default()).is_ok());
    assert_eq!(read(deep(65).as_bytes(), &Limits::default()), Err(XmlError::TooDeep { limit: 64 }));
    assert!(read(tag_with(64, "a").as_bytes(), &Limits::default()).is_ok());
    assert_eq!(read(tag_with(65, "a").as_bytes(), &Limits::default()), Err(XmlError::TooManyAttributes { limit: 64 }));
    assert!(read(tag_with(64, "xmlns:n").as_bytes(), &Limits::default()).is_ok());
}

#[test]
fn x2_what_quick_xml_leaves_to_us() {
    let cases: &[(&[u8], XmlError)] = &[
        (b"", XmlError::Empty),
        (b" \n<!-- nothing --> ", XmlError::Empty),
        (b"<?xml version=\"1.0\"?>", XmlError::Empty),
        (b"<a/><b/>", XmlError::SecondRoot),
        (b"<a></a><a>", XmlError::SecondRoot),
        (b"text<a/>", XmlError::TextOutsideRoot),
        (b"<a/>text", XmlError::TextOutsideRoot),
        (b"<a/>&amp;", XmlError::TextOutsideRoot),
        (b"<![CDATA[x]]><a/>", XmlError::TextOutsideRoot),
        ("\u{a0}<a/>".as_bytes(), XmlError::TextOutsideRoot),
        (b"<a>\x00</a>", XmlError::IllegalCharacter),
        (b"<a>\x0b</a>", XmlError::IllegalCharacter),
        (b"<a b='\x1f'/>", XmlError::IllegalCharacter),
        (b"<a>\xEF\xBF\xBF</a>", XmlError::IllegalCharacter),
        (b"<a>&#1;</a>", XmlError::IllegalCharacter),
        (b"<a>&#xFFFE;</a>", XmlError::IllegalCharacter),
        (b"<a b='&#11;'/>", XmlError::IllegalCharacter),
        (b"<a>&#0;</a>", XmlError::Entity),
        (b"<a>&#xD800;</a>", XmlError::Entity),
        (b"<a>&#x110000;</a>", XmlError::Entity),
        (b"<a>&nbsp;</a>", XmlError::Entity),
        (b"<a b='&nbsp;'/>", XmlError::Entity),
        (b"<a b='&#0;'/>", XmlError::Entity),
        (b"<!DOCTYPE a><a/>", XmlError::Doctype),
        (b"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", XmlError::Doctype),
        (b"<a/><!DOCTYPE a>", XmlError::Doctype),
        (b"<a><!DOCTYPE a></a>", XmlError::Doctype),
        (b"<!DOCTYPE a [", XmlError::Doctype),
        (b"<p:a/>", XmlError::UnboundPrefix),
        (b"<a p:b='x'/>", XmlError::UnboundPrefix),
        (b"<a xmlns:p=''><p:b/></a>", XmlError::UnboundPrefix),
        (b"<a xmlns:xmlns='urn:x'/>", XmlError::UnboundPrefix),
        (b"<a b='1' b='2'/>", XmlError::DuplicateAttribute),
        (b"<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>", XmlError::DuplicateAttribute),
        (b"<a><!-- a -- b --></a>", XmlError::NotWellFormed),
        (b"<a>", XmlError::NotWellFormed),
        (b"<a><b></a></b>", XmlError::NotWellFormed),
        (b"</a>", XmlError::NotWellFormed),
        (b"<a></a></a>", XmlError::NotWellFormed),
        (b"<a b=1/>", XmlError::NotWellFormed),
        (b"<a b/>", XmlError::NotWellFormed),
        (b"<a b='<'/>", XmlError::NotWellFormed),
        (b"<a b='1'c='2'/>", XmlError::NotWellFormed),
        (b"<a><?p:q x?></a>", XmlError::NotWellFormed),
        (b"<1a/>", XmlError::NotWellFormed),
        (b"< a/>", XmlError::NotWellFormed),
        (b"<a:b:c/>", XmlError::NotWellFormed),
        (b"<a>&amp</a>", XmlError::NotWellFormed),
        (b"<a>]]></a>", XmlError::NotWellFormed),
        (b"<a><?xml version='1.0'?></a>", XmlError::NotWellFormed),
        (b" <?xml version='1.0'?><a/>", XmlError::NotWellFormed),
        (b"<a><?XML x?></a>", XmlError::NotWellFormed),
        (b"<a", XmlError::NotWellFormed),
        (b"<a>\xE5</a>", XmlError::Utf8),
        (b"<?xml version='1.0' encoding='UTF-16'?><a/>", XmlError::Encoding),
        (b"<?xml version='1.1'?><a/>", XmlError::Version),
    ];
    for (xml, want) in cases {
        assert_eq!(read(xml, &Limits::default()), Err(*want), "{}", String::from_utf8_lossy(xml));
    }
}

#[test]
fn x2_what_is_well_formed() {
    for xml in [
        "<a/>",
        "\u{feff}<a/>",
        "<?xml version='1.0' encoding='utf-8'?>\n<!-- før --><?go on?><a\n/>\n<!-- etter -->\n",
        "<a b=\"x > y\" c='&lt;&quot;&#229;'>&lt;&gt;&amp;&apos;&quot;&#x1F600;<![CDATA[<&]]>]] ></a >",
        "<Formål xml:lang='nb'/>",
    ] {
        assert!(read(xml.as_bytes(), &Limits::default()).is_ok(), "{xml}");
    }
}

/// A message in a namespace that is not ours is not ours, whatever its elements are called.
#[test]
fn x3_a_foreign_msg_head_is_unknown() {
    let text = String::from_utf8(fixture("ekontakt.xml")).unwrap();
    assert!(msg_head(text.as_bytes()).msg_type.is_some(), "in ours it is");
    for namespace in
        ["urn:foreign", "http://www.kith.no/xmlstds/msghead/2006-05-25", "HTTP://WWW.KITH.NO/xmlstds/msghead/2006-05-24", ""]
    {
        let foreign = text.replacen(namespaces::MSGHEAD, namespace, 1);
        let want = Incoming::Unknown { namespace: namespace.to_owned(), local_name: "MsgHead".to_owned() };
        assert_eq!(read_ok(foreign.as_bytes()).incoming, want);
    }
    let prefixed =
        text.replacen("<MsgHead xmlns=", "<p:MsgHead xmlns:p='urn:x' xmlns=", 1).replacen("</MsgHead>", "</p:MsgHead>", 1);
    assert!(matches!(read_ok(prefixed.as_bytes()).incoming, Incoming::Unknown { namespace, .. } if namespace == "urn:x"));
}

/// NAV's wrapper is not opened.
#[test]
fn x3_wrapped_messages_are_unknown() {
    let text = String::from_utf8(fixture("ekontakt.xml")).unwrap();
    let body = text.split_once("?>").unwrap().1;
    let wrapped = format!("<EI_fellesformat xmlns='http://www.nav.no/xml/eiff/2/'>{body}</EI_fellesformat>");
    assert!(
        matches!(read_ok(wrapped.as_bytes()).incoming, Incoming::Unknown { local_name, .. } if local_name == "EI_fellesformat")
    );
}

#[test]
fn names_in_reports_are_bounded() {
    let long = format!("<{0} xmlns='{0}'/>", "x".repeat(10_000));
    let Incoming::Unknown { namespace, local_name } = read_ok(long.as_bytes()).incoming else { panic!("unknown") };
    assert_eq!((namespace.len(), local_name.len()), (256, 256));
}

#[test]
fn errors_have_codes_and_no_content() {
    let error = read(b"<a hemmelig='1' hemmelig='2'/>", &Limits::default()).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), ("xml-duplicate-attribute", "a tag has the same attribute twice"));
    let error = read("<a>".repeat(70).as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), ("xml-too-deep", "the document nests more than 64 elements"));
}

#[test]
fn debug_shows_no_personal_data() {
    for name in [
        "ekontakt.xml",
        "ekonsultasjon-vedlegg-foresatt.xml",
        "reseptfornyelse.xml",
        "svar.xml",
        "ledige-timer.xml",
        "reserver-avtale-barn.xml",
        "timeonske.xml",
    ] {
        let debug = format!("{:?}", read_ok(&fixture(name)));
        let people = ["15868549960", "47819030045", "17912099997", "Danser", "Vegard"];
        let said = ["Fjellveien", "utslett", "Metformin", "A10BA02", "tirsdag", "feber", "kneet", "Time hos"];
        for secret in people.into_iter().chain(said) {
            assert!(!debug.contains(secret), "{name} shows {secret}");
        }
    }
}

const FIXTURES: [&str; 15] = [
    "apprec-1.0.xml",
    "apprec-1.1-avvist.xml",
    "avbestill-avtale.xml",
    "ekonsultasjon-vedlegg-foresatt.xml",
    "ekonsultasjon-xhtml.xml",
    "ekontakt-bom.xml",
    "ekontakt-iso-8859-1.xml",
    "ekontakt.xml",
    "hent-ledige-timer.xml",
    "ledige-timer.xml",
    "reseptfornyelse.xml",
    "reserver-avtale-barn.xml",
    "soap-fault.xml",
    "svar.xml",
    "timeonske.xml",
];

/// Snippets that change what a parser thinks of the rest.
const SPLICES: [&str; 16] =
    ["<", ">", "&", "\"", "/", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "</", "&#0;", "xmlns=''", "<a:b>", "\0"];

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes, &Limits::default());
    }

    #[test]
    fn arbitrary_markup_never_panics(parts in proptest::collection::vec("<[a-c]|[a-c]|</[a-c]>|/>|>|&|;|#|=|\"|'| |<!--|-->|<!|\\[|\\]|\\?|<\\?xml|\u{e5}", 0..60)) {
        let _ = read(parts.concat().as_bytes(), &Limits::default());
    }

    #[test]
    fn mutated_messages_never_panic(
        name in proptest::sample::select(&FIXTURES[..]),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..60_usize, proptest::sample::select(&SPLICES[..]), any::<u8>()), 1..6),
    ) {
        let mut bytes = fixture(name);
        for (place, cut, splice, byte) in edits {
            let at = place.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            let insert = if byte & 1 == 0 { splice.as_bytes().to_vec() } else { vec![byte] };
            bytes.splice(at..end, insert);
        }
        if let Ok(message) = read(&bytes, &Limits::default()) {
            let debug = format!("{message:?}");
            prop_assert!(!debug.contains("\\0") && !debug.contains("\\u{0}"), "no text holds a NUL");
        }
    }

    #[test]
    fn a_cut_message_is_refused(name in proptest::sample::select(&FIXTURES[..]), place in any::<proptest::sample::Index>()) {
        let bytes = fixture(name);
        let end = bytes.iter().rposition(|b| *b == b'>').unwrap();
        prop_assert!(read(&bytes[..place.index(end)], &Limits::default()).is_err());
    }
}
