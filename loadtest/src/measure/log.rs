//! Histograms as an `HdrHistogram` log (version 1.3): a line for each kind of time and interval, with its name as tag.

use super::{Latency, Measures};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriter, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use std::io::Write;
use std::time::{Duration, SystemTime};

/// Writes measures of intervals to a log.
///
/// # Errors
/// That of `to`, as text.
pub fn write<'a>(
    to: &mut impl Write,
    base: SystemTime,
    intervals: impl IntoIterator<Item = (Duration, Duration, &'a Measures)>,
) -> Result<(), String> {
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    let begun = builder.with_base_time(base).with_max_value_divisor(1_000.0).begin_log_with(to, &mut serializer);
    let mut log = begun.map_err(|error| error.to_string())?;
    for (from, lasted, measures) in intervals {
        lines(&mut log, from, lasted, measures)?;
    }
    Ok(())
}

fn lines<W: Write>(
    log: &mut IntervalLogWriter<'_, '_, W, V2DeflateSerializer>,
    from: Duration,
    lasted: Duration,
    measures: &Measures,
) -> Result<(), String> {
    for (which, times) in &measures.times {
        log.write_histogram(times, from, lasted, Tag::new(which.name())).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

/// Adds all histograms of a log to `measures`.
///
/// # Errors
/// What cannot be read.
pub fn read(text: &[u8], measures: &mut Measures) -> Result<(), String> {
    let mut deserializer = Deserializer::new();
    for entry in IntervalLogIterator::new(text) {
        let LogEntry::Interval(interval) = entry.map_err(|error| format!("no log: {error:?}"))? else { continue };
        let name = interval.tag().map_or("", |tag| tag.as_str());
        let which = Latency::of(name).ok_or_else(|| format!("a log with the unknown tag {name:?}"))?;
        let bytes = STANDARD.decode(interval.encoded_histogram()).map_err(|error| error.to_string())?;
        let times: Histogram<u64> =
            deserializer.deserialize(&mut bytes.as_slice()).map_err(|error| error.to_string())?;
        measures.add_times(which, &times);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_log_reads_back_exactly(acks in prop::collection::vec(0_u64..900_000_000, 1..100), late in 0_u64..1_000) {
            let mut measures = Measures::default();
            for us in &acks {
                measures.time(Latency::Ack, *us);
            }
            measures.time(Latency::Late, late);
            let (mut text, mut back) = (Vec::new(), Measures::default());
            let interval = (Duration::ZERO, Duration::from_secs(1), &measures);
            write(&mut text, SystemTime::UNIX_EPOCH, [interval]).expect("written");
            read(&text, &mut back).expect("a log");
            prop_assert_eq!(back, measures);
        }
    }

    #[test]
    fn intervals_add_up_and_nonsense_is_refused() {
        let mut measures = Measures::default();
        measures.time(Latency::Ack, 5_000);
        let second = Duration::from_secs(1);
        let mut text = Vec::new();
        write(&mut text, SystemTime::UNIX_EPOCH, [(Duration::ZERO, second, &measures), (second, second, &measures)])
            .expect("written");
        let mut back = Measures::default();
        read(&text, &mut back).expect("a log");
        assert_eq!(back.times(Latency::Ack).map(Histogram::len), Some(2));
        let strange = String::from_utf8(text).expect("text").replace("Tag=ack", "Tag=strange");
        assert!(read(strange.as_bytes(), &mut back).expect_err("unknown").contains("strange"));
        assert!(read(b"no log", &mut back).is_err());
    }
}
