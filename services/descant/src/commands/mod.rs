//! What each command does.

mod bars;
mod blend;
mod client;
mod compose;
mod midi;
mod models;
mod render;
mod sample;
mod serve;
mod sing;
mod songs;
mod token;

pub use serve::run as serve;

use crate::cli::Command;

pub async fn run(command: Command, json: bool) -> anyhow::Result<()> {
    match command {
        Command::Sing(args) => sing::run(args, json).await,
        Command::Blend(args) => blend::run(args, json).await,
        Command::Compose(args) => compose::run(args, json).await,
        Command::Render(args) => render::run(args, json),
        // The services bring a runtime of their own: main starts them.
        Command::Serve(_) => Ok(()),
        Command::Submit(args) => client::submit(args, json).await,
        Command::Status(args) => client::status(args, json).await,
        Command::Watch(args) => client::watch(args, json).await,
        Command::Cancel(args) => client::cancel(args, json).await,
        Command::Download(args) => client::download(args, json).await,
        Command::History(args) => client::history(args, json).await,
        Command::Quota(server) => client::quota(server, json).await,
        Command::SampleHum(args) => sample::run(args, json),
        Command::SampleSongs(args) => sample::songs(args, json),
        Command::Songs(command) => songs::run(command, json).await,
        Command::Models(command) => models::run(command, json).await,
        Command::Token { user, tier, operator, hours } => token::run(&user, &tier, operator, hours),
    }
}
