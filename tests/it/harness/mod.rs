//! Helpers of tests: separate databases, the real server, and a client.

mod database;
mod device;
mod log;
mod namespace;
mod postgres;
mod proxy;
mod python;
mod reply;
mod server;
mod silence;
mod wait;

pub(crate) use database::{Dialect, TestDatabase};
pub(crate) use device::{Device, Printed};
pub(crate) use log::Log;
pub(crate) use namespace::{unshare, with_disk};
pub(crate) use postgres::Cluster;
pub(crate) use proxy::{Proxy, adapted, free_port, is_root, recipe, start_nginx, start_proxy};
pub(crate) use python::python;
pub(crate) use reply::Reply;
pub(crate) use server::{Login, Server, bare, pass_environment, receive, segue, send};
pub(crate) use silence::silence;
pub(crate) use wait::until;

/// Runs an async test body on a new actix system.
pub(crate) fn run<T>(body: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(body)
}

/// Declares a test that runs on both databases: `on_both_databases!(async fn name(database) { … })`, where `database`
/// is a fresh [`TestDatabase`] whose tables are up to date.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a body may need nothing from around it")]
            use super::*;

            async fn check($database: $crate::harness::TestDatabase) $body

            #[test]
            fn sqlite() {
                $crate::harness::run(check($crate::harness::TestDatabase::new($crate::harness::Dialect::Sqlite)));
            }

            #[test]
            fn postgres() {
                $crate::harness::run(check($crate::harness::TestDatabase::new($crate::harness::Dialect::Postgres)));
            }
        }
    )+};
}
