//! The words that `PROTOCOL.md` lists are those that the code reads and writes, and no others.

use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::device::{DeviceKind, PresenceView};
use segue_actors::protocol::messages::{ByeReason, RejectCode, Sound, TransferMode};
use segue_actors::protocol::playback::{Intent, MediaKind, Repeat, Status};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor, value};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../PROTOCOL.md");

type Words = BTreeSet<String>;

/// The rows of the table under this heading: what the first cell quotes, and all that the second does.
fn table(heading: &str) -> BTreeMap<String, Words> {
    let head = format!("| {heading} |\n|---|---|\n");
    let table = PAGE.split(head.as_str()).nth(1).and_then(|rest| rest.split("\n\n").next()).expect("it is there");
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let row = |line: &str| {
        let (name, words) = line.trim_matches('|').split_once(" | ").expect("two cells");
        let [name] = &quoted(name)[..] else { panic!("a row has one name: {line}") };
        (name.clone(), quoted(words).into_iter().collect())
    };
    table.lines().map(row).collect()
}

/// Asks an enum for the names of its variants, and gives it none.
#[derive(Default)]
struct Names(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Names {
    type Error = value::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = names;
        Err(Self::Error::custom("only asked"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("not an enum"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The variants of an enum, and their words, each of which is read and written as it stands.
fn variants<T: DeserializeOwned + Serialize>() -> Vec<(String, T)> {
    let mut names = Names::default();
    assert!(T::deserialize(&mut names).is_err() && !names.0.is_empty());
    let variant = |name: &&str| {
        let word = Value::from(*name);
        let variant = serde_json::from_value(word.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(&variant).ok(), Some(word));
        ((*name).to_owned(), variant)
    };
    names.0.iter().map(variant).collect()
}

fn words<T: DeserializeOwned + Serialize>() -> Words {
    variants::<T>().into_iter().map(|(word, _)| word).collect()
}

#[test]
fn each_field_has_the_words_that_the_page_lists() {
    let code = [
        ("device.kind", words::<DeviceKind>()),
        ("presence", words::<PresenceView>()),
        ("item.kind", words::<MediaKind>()),
        ("intent", words::<Intent>()),
        ("status", words::<Status>()),
        ("report.status", words::<Sound>()),
        ("repeat", words::<Repeat>()),
        ("transfer.mode", words::<TransferMode>()),
        ("bye.reason", words::<ByeReason>()),
        ("reject.code", words::<RejectCode>()),
    ];
    assert_eq!(table("field | words"), code.map(|(field, words)| (field.to_owned(), words)).into());
}

#[test]
fn intent_and_status_stand_together_as_the_page_says() {
    let statuses = |intent: Intent| {
        let legal = variants::<Status>().into_iter().filter(|(_, status)| status.is_legal_with(intent));
        legal.map(|(word, _)| word).collect::<Words>()
    };
    let code: BTreeMap<_, _> = variants().into_iter().map(|(word, intent)| (word, statuses(intent))).collect();
    assert_eq!(table("`intent` | what `status` may be"), code);
}

#[test]
fn a_goaway_has_the_codes_that_the_page_lists() {
    let row = PAGE.lines().find(|line| line.starts_with("| `goaway`")).expect("it is there");
    let parts: Vec<&str> = row.split([' ', ',', '.', '`', ':']).filter(|part| !part.is_empty()).collect();
    let pair = |pair: &[&str]| Some((pair[0].parse::<u16>().ok()?, pair[1].to_owned()));
    let page: BTreeSet<_> = parts.windows(2).filter_map(pair).collect();
    assert_eq!(page, CloseReason::ALL.iter().map(|reason| (reason.code(), reason.slug().to_owned())).collect());
}
