//! `s3-dev`: an S3 server in a folder, for tests and for trying things out. Prints its address when it accepts
//! connections and stops on SIGTERM or Ctrl-C.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use testbed::s3::S3Server;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// An S3 server in a folder, for tests and for trying things out.
#[derive(Parser)]
struct Options {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Folder that holds the buckets.
    #[arg(long)]
    root: PathBuf,
    /// Access key that clients must sign with.
    #[arg(long, env = "S3_DEV_ACCESS_KEY")]
    access_key: String,
    /// Secret key that clients must sign with.
    #[arg(long, env = "S3_DEV_SECRET_KEY", hide_env_values = true)]
    secret_key: String,
    /// Buckets to create at start.
    #[arg(long)]
    bucket: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    for bucket in &options.bucket {
        std::fs::create_dir_all(options.root.join(bucket)).with_context(|| format!("create bucket {bucket}"))?;
    }
    let listener = TcpListener::bind(options.listen).await.with_context(|| format!("listen on {}", options.listen))?;
    println!("s3-dev listens on http://{}", listener.local_addr()?);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    };
    let server = S3Server { root: options.root, access_key: options.access_key, secret_key: options.secret_key };
    server.serve(listener, stop).await
}
