//! `segue openapi`: the description of the HTTP API.

use super::{Failure, output};
use crate::http;
use clap::Args;

/// Print the description of the HTTP API as OpenAPI 3.1
#[derive(Debug, Args)]
pub(super) struct Openapi;

impl Openapi {
    #[expect(clippy::unused_self, reason = "commands are run alike")]
    pub(super) fn run(&self) -> Result<(), Failure> {
        Ok(output::line(http::openapi()?)?)
    }
}
