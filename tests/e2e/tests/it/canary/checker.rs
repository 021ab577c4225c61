//! Values that are hidden in messages, and whether one of them came out.

use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What every planted word begins with: a text without it is clean at a glance.
const MARK: &str = "kanari";
/// Places of a text that are looked at more closely, for each disguise.
const ENOUGH: usize = 300;
/// The longest disguise of a word: a list of bytes.
const LONGEST: usize = 120;

/// Every value that was planted, and where.
#[derive(Default)]
pub(super) struct Canaries {
    planted: BTreeMap<String, String>,
}

impl Canaries {
    /// A word that is nowhere else; a letter at its beginning makes it a name in XML too.
    pub(super) fn word(&mut self, place: &str) -> String {
        let id = Uuid::new_v4().simple().to_string();
        self.plant(format!("{MARK}{}", &id[..16]), place)
    }

    /// What somebody might write, with a word of that kind in it.
    pub(super) fn phrase(&mut self, place: &str) -> String {
        format!("Jeg har så vondt {} om natten", self.word(place))
    }

    /// A value of another make, such as an identity number.
    pub(super) fn plant(&mut self, value: String, place: &str) -> String {
        assert!(self.planted.insert(value.clone(), place.to_owned()).is_none(), "planted twice");
        value
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.planted.len()
    }

    /// Where the values that a text holds were planted; never the text itself.
    pub(super) fn hits(&self, text: &str) -> Vec<&str> {
        let text = text.to_lowercase();
        let found = words(&text);
        let numbers = numbers(&text);
        let marks = forms(MARK);
        let disguised: Vec<&str> = marks[1..].iter().flat_map(|mark| windows(&text, mark).take(ENOUGH)).collect();
        let held = |value: &str| {
            found.contains(value)
                || numbers.contains(value)
                || forms(value)[1..].iter().any(|form| disguised.iter().any(|window| window.starts_with(form)))
        };
        self.planted.iter().filter(|(value, _)| held(value)).map(|(_, place)| place.as_str()).collect()
    }

    /// Remembers the places that came out on a surface.
    pub(super) fn look(&self, surface: &str, text: &str, leaks: &mut Vec<String>) {
        leaks.extend(self.hits(text).into_iter().map(|place| format!("{place} is in {surface}")));
    }
}

/// What follows each mark, the mark included.
fn windows<'t>(text: &'t str, mark: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(mark).map(|(at, _)| &text[at..text.floor_char_boundary(at + LONGEST)])
}

/// Words as they are.
fn words(text: &str) -> BTreeSet<&str> {
    windows(text, MARK).filter_map(|window| window.get(..MARK.len() + 16)).collect()
}

/// Runs of eleven digits, also as people write an identity number: six, a space, five.
fn numbers(text: &str) -> BTreeSet<String> {
    let runs: Vec<&str> = text.split(|c: char| !c.is_ascii_digit() && c != ' ').collect();
    let words = runs.iter().flat_map(|run| run.split(' ').filter(|word| word.len() == 11).map(str::to_owned));
    let pairs = runs.iter().flat_map(|run| {
        let parts: Vec<&str> = run.split(' ').collect();
        let pairs = parts.windows(2).filter(|pair| pair[0].len() == 6 && pair[1].len() == 5);
        pairs.map(|pair| pair.concat()).collect::<Vec<_>>()
    });
    words.chain(pairs).collect()
}

/// The value as text, as hexadecimal bytes, as a list of bytes, and in base64.
fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let list = |separator: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    let hex = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let mut forms = vec![value.to_lowercase(), hex, list(", "), list(",")];
    forms.extend((0..3).map(|skip| base64(&bytes[skip..]).to_lowercase()));
    forms
}

/// Whole groups of three only: what follows in the text decides on the rest.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |group: &[u8]| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize]))
    };
    bytes.chunks_exact(3).flat_map(letters).collect()
}

#[test]
fn the_canary_can_fail() {
    let mut canaries = Canaries::default();
    let word = canaries.word("text");
    let nin = canaries.plant("15868549960".to_owned(), "number");
    let phrase = canaries.phrase("phrase");
    assert_eq!(canaries.hits("level=INFO nothing of a person"), Vec::<&str>::new());
    assert_eq!(canaries.hits(&format!("{{\"message\":\"got {word}\"}}")), ["text"]);
    assert_eq!(canaries.hits(&format!("{:?}", word.as_bytes())), ["text"], "bytes as Debug shows them");
    assert_eq!(canaries.hits(&word.to_uppercase()), ["text"]);
    assert_eq!(canaries.hits(&word.bytes().map(|b| format!("{b:02X}")).collect::<String>()), ["text"]);
    assert_eq!(canaries.hits(&format!("nin={nin};")), ["number"]);
    assert_eq!(canaries.hits("158685 49960"), ["number"]);
    assert_eq!(canaries.hits(&phrase), ["phrase"]);
    for before in ["", "a", "ab"] {
        assert_eq!(canaries.hits(&base64(format!("{before}{word}..").as_bytes())), ["text"], "base64 after {before}");
    }
    let mut leaks = Vec::new();
    canaries.look("logs", &word, &mut leaks);
    assert_eq!(leaks, ["text is in logs"]);
}
