//! Logs: to standard error, filtered by the setting `log`.

use crate::config::Settings;

/// Starts logging; a second call changes nothing.
pub(crate) fn start(settings: &Settings) {
    let started = env_logger::Builder::new()
        // It warns of every odd tag, thousands of times a scan; what cannot be read is in the scan's own list.
        .filter_module("lofty", log::LevelFilter::Off)
        .filter_module("notify", log::LevelFilter::Warn)
        .parse_filters(settings.log.as_str())
        .format_timestamp(Some(env_logger::TimestampPrecision::Millis))
        .try_init();
    if started.is_err() {
        log::debug!("logging had been started before");
    }
}
