//! `fresh-place`: a fresh database, virtual host and bucket on the test servers, for a program that cannot link this
//! crate because it stands beside what ships. Prints them as the settings that name them, one `NAME=VALUE` a line and
//! an empty line at the end, and deletes them when its input closes, in whatever way its caller ended.

use std::io;

use anyhow::{Context, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let (database, vhost, bucket) =
        tokio::join!(testbed::postgres_database(), testbed::rabbitmq_vhost(), testbed::s3_bucket());
    println!("DATABASE_URL={}", database.url());
    println!("RABBITMQ_URL={}", vhost.url());
    println!("S3_ENDPOINT={}", bucket.endpoint);
    println!("S3_REGION={}", bucket.region);
    println!("S3_BUCKET={}", bucket.bucket);
    println!("S3_ACCESS_KEY_ID={}", bucket.access_key);
    println!("S3_SECRET_ACCESS_KEY={}", bucket.secret_key);
    println!();
    io::copy(&mut io::stdin().lock(), &mut io::sink()).context("wait for the input to close")?;
    Ok(())
}
