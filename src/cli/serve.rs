//! `segue serve`: the server.

use super::{Failure, output};
use crate::{
    app::App,
    config::{SettingFlags, load},
    http, telemetry,
};
use clap::Args;
use std::sync::Arc;

/// Run the server
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: SettingFlags,
}

impl Serve {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let app = Arc::new(App::open(settings)?);
        actix_web::rt::System::new().block_on(async move {
            let server = http::listen(Arc::clone(&app))?;
            // The one line that programs read: how a port 0 becomes known.
            output::line(format_args!("listening http://{}", server.address))?;
            server.run().await?;
            Ok(())
        })
    }
}
