//! Segue: a self-hosted music server with real-time playback sync between devices.

pub mod app;
pub mod auth;
pub mod backup;
mod cache_upkeep;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod db;
pub mod device;
pub mod error;
pub mod http;
pub mod media;
mod metrics;
mod prewarm;
mod restored;
mod service_manager;
pub mod storage;
pub mod store;
mod telemetry;
pub mod time;
pub mod values;
