//! The log: one line per record on standard error, as text or as JSON, filtered by the setting `log`.
//!
//! Text is `[TIME LEVEL TARGET] MESSAGE KEY=VALUE …`. JSON is an object with `time`, `level`, `target`, `message` and the
//! keys. A record is one line whatever its values hold: control characters are escaped, and in text a value that is not
//! plain is in quotes. A key whose value is empty is left out. A line that cannot be written is lost, nothing else happens.

use crate::{
    config::{LogFormat, Settings},
    values::printed::{self, push_escaped},
};
use env_logger::{Builder, TimestampPrecision, WriteStyle, fmt::Formatter};
use log::{
    Level, LevelFilter, Log, Metadata, Record,
    kv::{self, Key, Value, VisitSource},
};
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    panic::{self, PanicHookInfo},
    sync::OnceLock,
};

/// The target of the lines about refused log-ins, tokens, codes and links. `config/fail2ban-filter.conf` looks for it.
pub(crate) const REFUSALS: &str = "segue::auth";

/// The form of the log, once it has started.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Starts logging, panics included; a second call changes nothing.
pub(crate) fn start(settings: &Settings) {
    start_server(settings, &[]);
}

/// The same for a server. What a target of `of_strangers` logs as a warning or an error is what a stranger sent; it is logged
/// as DEBUG.
pub(crate) fn start_server(settings: &Settings, of_strangers: &'static [&'static str]) {
    let mut builder = builder(settings.log_format);
    builder
        // It warns of every odd tag, thousands of times a scan; what cannot be read is in the scan's own list.
        .filter_module("lofty", LevelFilter::Off)
        .filter_module("notify", LevelFilter::Warn)
        .parse_filters(settings.log.as_str());
    let logger = builder.build();
    let most = logger.filter();
    if log::set_boxed_logger(Box::new(Logger { inner: logger, of_strangers })).is_ok() {
        FORMAT.get_or_init(|| settings.log_format);
        log::set_max_level(most);
        panic::set_hook(Box::new(log_panic));
    }
}

/// Writes to standard error why this process ends, whatever the setting `log` leaves out: in the form of the log, and in
/// `form` when that has not started.
pub(crate) fn fatal(text: &str, form: LogFormat) {
    match FORMAT.get().copied().unwrap_or(form) {
        // An error of writing is ignored: the exit code also says that it failed.
        LogFormat::Text => drop(writeln!(io::stderr().lock(), "segue: {}", printed::escaped_lines(text))),
        LogFormat::Json => {
            let logger = builder(LogFormat::Json).filter_level(LevelFilter::Error).build();
            logger.log(&Record::builder().level(Level::Error).target("segue").args(format_args!("{text}")).build());
        }
    }
}

/// A logger to standard error in this form. Colours are for terminals alone, whatever `CLICOLOR_FORCE` asks for: a program
/// that reads the log finds no line in which they stand.
fn builder(form: LogFormat) -> Builder {
    let mut builder = Builder::new();
    builder.format_timestamp(Some(TimestampPrecision::Millis)).write_style(if io::stderr().is_terminal() {
        WriteStyle::Auto
    } else {
        WriteStyle::Never
    });
    match form {
        LogFormat::Text => builder.format(write_text),
        LogFormat::Json => builder.format(write_json),
    };
    builder
}

/// Writes a panic as one line of the log.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a panic without a text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => backtrace.to_string(),
        _ => String::new(),
    };
    log::error!(target: "segue::panic", place, backtrace; "panic: {message}");
}

/// `env_logger`, and the targets whose warnings and errors it gets as DEBUG.
struct Logger {
    inner: env_logger::Logger,
    of_strangers: &'static [&'static str],
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() > Level::Warn || !self.of_strangers.contains(&record.target()) {
            self.inner.log(record);
            return;
        }
        self.inner.log(
            &Record::builder()
                .level(Level::Debug)
                .target(record.target())
                .args(*record.args())
                .module_path(record.module_path())
                .file(record.file())
                .line(record.line())
                .key_values(record.key_values())
                .build(),
        );
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

fn write_text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let style = out.default_level_style(record.level());
    let (time, level) = (out.timestamp_millis(), record.level());
    write!(out, "[{time} {style}{level:<5}{style:#} {}] ", record.target())?;
    let mut line = String::new();
    push_escaped(&mut line, &record.args().to_string());
    visit(record, &mut TextFields(&mut line))?;
    writeln!(out, "{line}")
}

fn write_json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = String::from("{");
    for (name, text) in [
        ("time", out.timestamp_millis().to_string()),
        ("level", record.level().to_string()),
        ("target", record.target().to_owned()),
        ("message", record.args().to_string()),
    ] {
        push_json(&mut line, name, &serde_json::Value::String(text));
    }
    visit(record, &mut JsonFields(&mut line))?;
    line.push('}');
    writeln!(out, "{line}")
}

fn visit<'a>(record: &'a Record<'_>, fields: &mut impl VisitSource<'a>) -> io::Result<()> {
    record.key_values().visit(fields).map_err(|error| io::Error::other(error.to_string()))
}

/// Appends ` KEY=VALUE` for each pair.
struct TextFields<'a>(&'a mut String);

impl<'v> VisitSource<'v> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'v>, value: Value<'v>) -> Result<(), kv::Error> {
        let value = value.to_string();
        if value.is_empty() {
            return Ok(());
        }
        self.0.push(' ');
        push_escaped(self.0, key.as_str());
        let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'='));
        if is_plain {
            write!(self.0, "={value}")?;
        } else {
            write!(self.0, "={value:?}")?;
        }
        Ok(())
    }
}

/// Appends `,"KEY":VALUE` for each pair.
struct JsonFields<'a>(&'a mut String);

impl<'v> VisitSource<'v> for JsonFields<'_> {
    fn visit_pair(&mut self, key: Key<'v>, value: Value<'v>) -> Result<(), kv::Error> {
        let json = if let Some(number) = value.to_i64() {
            number.into()
        } else if let Some(number) = value.to_u64() {
            number.into()
        } else if let Some(number) = value.to_f64() {
            number.into()
        } else if let Some(truth) = value.to_bool() {
            truth.into()
        } else {
            serde_json::Value::String(value.to_string())
        };
        if json != "" {
            push_json(self.0, key.as_str(), &json);
        }
        Ok(())
    }
}

fn push_json(line: &mut String, name: &str, value: &serde_json::Value) {
    if line.len() > 1 {
        line.push(',');
    }
    let name = serde_json::Value::String(name.to_owned());
    printed::push_json(line, &format!("{name}:{value}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of text and the JSON object of a record, without its time.
    fn lines(message: &str, pairs: &[(&str, Value<'_>)]) -> (String, String) {
        let args = format_args!("{message}");
        let record = Record::builder().args(args).target("t").level(Level::Warn).key_values(&pairs).build();
        let (mut text, mut json) = (String::new(), String::new());
        push_escaped(&mut text, &record.args().to_string());
        visit(&record, &mut TextFields(&mut text)).expect("a text takes it");
        json.push('{');
        visit(&record, &mut JsonFields(&mut json)).expect("a text takes it");
        json.push('}');
        (text, json)
    }

    #[test]
    fn a_record_is_one_line_whatever_it_holds() {
        let evil = "a b\"\n[2026-01-01T00:00:00.000Z WARN  segue::auth] x\u{1b}[2J\u{202e}\u{85}\u{2028}";
        let (text, json) = lines(evil, &[("name", Value::from(evil))]);
        assert!(!text.contains(|letter: char| letter.is_control()), "{text:?}");
        assert!(!json.contains(|letter: char| letter.is_control() || letter == '\u{2028}'), "{json:?}");
        assert!(text.contains(
            r#" name="a b\"\n[2026-01-01T00:00:00.000Z WARN  segue::auth] x\u{1b}[2J\u{202e}\u{85}\u{2028}""#
        ));
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read["name"], evil);
    }

    #[test]
    fn values_keep_their_type_in_json_and_empty_ones_are_left_out() {
        let pairs = [
            ("ms", Value::from(7_u64)),
            ("below", Value::from(-1_i64)),
            ("yes", Value::from(true)),
            ("route", Value::from("/v1/albums/{id}")),
            ("user", Value::from("")),
        ];
        let (text, json) = lines("m", &pairs);
        assert_eq!(text, "m ms=7 below=-1 yes=true route=/v1/albums/{id}");
        assert_eq!(json, r#"{"ms":7,"below":-1,"yes":true,"route":"/v1/albums/{id}"}"#);
    }
}
