//! What `/metrics` answers, as `OpenMetrics`: sums of what the threads have counted. No label holds a name or an id of a
//! person, a device or a track.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use segue_actors::count::{self, BOUNDS_US, CountSums, Times};
use std::{
    fmt, fs,
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The media type of [`text`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// When [`begin`] was called, in seconds since the Unix epoch.
static BEGAN_S: LazyLock<f64> =
    LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());

/// Notes that the process begins.
pub(crate) fn begin() {
    LazyLock::force(&BEGAN_S);
}

/// All metrics as they are now. Visits no session: the cost is that of some hundred additions for each thread.
///
/// # Errors
/// None that is known: a text takes all that is written to it.
pub(crate) fn text() -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { sums: count::sums(), delays: count::loop_delays() }));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The numbers of one answer.
#[derive(Debug)]
struct Scrape {
    sums: CountSums,
    delays: Vec<Times>,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sums = &self.sums;
        let mut out = Out(encoder);
        out.gauge("segue_sessions", "Sessions that run", sums.sessions)?;
        out.gauge("segue_sockets", "Sockets of devices that are open", sums.sockets)?;
        let presences = [("online", sums.devices_online), ("away", sums.devices_away)];
        out.gauges("segue_devices", "Listed devices by presence", "presence", &presences)?;
        let outcomes = [("committed", sums.committed), ("failed", sums.not_committed)];
        out.counters("segue_commits", "Commits of sessions by outcome", "outcome", &outcomes)?;
        out.times("segue_commit", "From the start of a commit to its outcome", &sums.commit)?;
        let frames = [("in", sums.frames_in), ("out", sums.frames_out)];
        out.counters("segue_frames", "Text frames of sockets", "direction", &frames)?;
        let bytes = [("in", sums.bytes_in), ("out", sums.bytes_out)];
        out.counters("segue_frame_bytes", "Bytes of text frames of sockets", "direction", &bytes)?;
        out.gauge("segue_backlog_frames", "Frames that wait for their sockets", sums.backlog_frames)?;
        out.gauge("segue_backlog_bytes", "Bytes that wait for sockets", sums.backlog_bytes)?;
        out.counter("segue_replaced_states", "States not sent because a newer one came", sums.replaced_states)?;
        out.counter("segue_lost_heartbeats", "Sockets closed because nothing was received", sums.lost_heartbeats)?;
        out.times("segue_store", "Transactions that write sessions and plays", &sums.store)?;
        out.counter("segue_stored_rows", "Rows of sessions and plays that were written", sums.stored_rows)?;
        let accesses = [("read", &sums.read), ("write", &sums.write)];
        out.times_of("segue_database", "Other transactions, with the wait for a connection", "access", accesses)?;
        let delays = self.delays.iter().enumerate();
        out.times_of("segue_loop_delay", "By how much a timer of a worker was late", "worker", delays)?;
        let covers = [("hit", sums.cover_hits), ("miss", sums.cover_misses)];
        out.counters("segue_cover_lookups", "Scaled covers asked for", "outcome", &covers)?;
        let media = [("bare", sums.media_bare), ("http", sums.media_http)];
        out.counters("segue_media_answers", "Answers with the bytes of a file", "way", &media)?;
        let sources = [
            ("folder", sums.bytes_from_folders),
            ("cache", sums.bytes_from_cache),
            ("storage", sums.bytes_from_storage),
        ];
        out.counters("segue_media_bytes", "Bytes of media read for answers", "source", &sources)?;
        let blocks = [("hit", sums.block_hits), ("miss", sums.block_misses)];
        out.counters("segue_block_lookups", "Blocks of objects asked for", "outcome", &blocks)?;
        out.counter("segue_blocks_evicted", "Blocks removed to make room for others", sums.blocks_evicted)?;
        out.counter("segue_blocks_damaged", "Blocks whose file had other bytes", sums.blocks_damaged)?;
        out.counter("segue_storage_bytes", "Bytes of blocks fetched from the storage", sums.storage_bytes)?;
        out.counter("segue_storage_errors", "Blocks that the storage did not give", sums.storage_errors)?;
        let lists = [("hit", sums.list_hits), ("miss", sums.list_misses)];
        out.counters("segue_list_lookups", "Keys of long lists asked for", "outcome", &lists)?;
        let began = ConstGauge::new(*BEGAN_S);
        let encoder = &mut out.0;
        let help = "When the process began, since the Unix epoch";
        began.encode(encoder.encode_descriptor(
            "process_start_time",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?)?;
        if let Some(bytes) = resident_bytes() {
            out.gauge("process_resident_memory_bytes", "Memory that is resident", bytes)?;
        }
        Ok(())
    }
}

/// Writes metrics.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let value = ConstGauge::new(value.cast_signed());
        value.encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (of, value) in values {
            ConstCounter::new(*value).encode(metric.encode_family(&[(label, *of)])?)?;
        }
        Ok(())
    }

    fn gauges(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (of, value) in values {
            ConstGauge::new(value.cast_signed()).encode(metric.encode_family(&[(label, *of)])?)?;
        }
        Ok(())
    }

    fn times(&mut self, name: &str, help: &str, times: &Times) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(seconds(times.sum_us), times.count(), &buckets(times), None)
    }

    /// Histograms that differ in one label.
    fn times_of<'t>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        all: impl IntoIterator<Item = (impl ToString, &'t Times)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (of, times) in all {
            let labels = [(label, of.to_string())];
            let mut one = metric.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(seconds(times.sum_us), times.count(), &buckets(times), None)?;
        }
        Ok(())
    }
}

/// The buckets with their upper bounds in seconds.
fn buckets(times: &Times) -> Vec<(f64, u64)> {
    let bounded = BOUNDS_US.iter().zip(times.buckets).map(|(bound, count)| (seconds(*bound), count));
    bounded.chain([(f64::INFINITY, times.longer)]).collect()
}

fn seconds(us: u64) -> f64 {
    Duration::from_micros(us).as_secs_f64()
}

/// The memory of this process that is resident, as Linux tells it.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
