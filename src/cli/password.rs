//! Where commands get a password from.

use super::{Failure, path};
use clap::Args;
use std::{
    env, fs,
    io::{self, IsTerminal as _, Read as _},
    path::PathBuf,
};

/// Where a password comes from; never from the arguments, which everybody on the machine can read.
#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// Read the password from this file's first line; - is standard input [default: `$SEGUE_PASSWORD`, else a prompt]
    #[arg(long, value_name = "FILE", value_parser = path::parser())]
    password_file: Option<PathBuf>,
}

impl PasswordSource {
    /// The password.
    ///
    /// # Errors
    /// A file that cannot be read, or no terminal to ask on.
    pub(super) fn read(&self) -> Result<String, Failure> {
        let text = match &self.password_file {
            Some(path) if path.as_os_str() == "-" => {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text)?;
                text
            }
            Some(path) => fs::read_to_string(path)
                .map_err(|error| format!("the password file {} cannot be read: {error}", path.display()))?,
            None => match env::var("SEGUE_PASSWORD") {
                Ok(password) => password,
                Err(_) if io::stdin().is_terminal() => rpassword::prompt_password("Password: ")?,
                Err(_) => return Err("give the password: in $SEGUE_PASSWORD or by --password-file FILE".into()),
            },
        };
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}
