//! Just enough HTTP/1.1 to ask a server on this machine for something. Blocking, so that it also works in `drop`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(20);
const ANSWER_LIMIT_BYTES: u64 = 1 << 20;

/// Sends one request and returns its status.
///
/// A user and password in `base` become basic authentication. `path` must be percent-encoded.
pub(crate) fn request(method: &str, base: &Url, path: &str, json: &str) -> Result<u16> {
    let host = base.host_str().context("the address has no host")?;
    let port = base.port_or_known_default().context("the address has no port")?;
    let mut stream = TcpStream::connect((host, port)).with_context(|| format!("connect to {host}:{port}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n",
        json.len()
    );
    if !base.username().is_empty() {
        let pair = format!("{}:{}", base.username(), base.password().unwrap_or_default());
        head.push_str(&format!("authorization: Basic {}\r\n", base64(pair.as_bytes())));
    }
    stream.write_all(format!("{head}\r\n{json}").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT_BYTES).read_to_end(&mut answer)?;
    let line = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.with_context(|| format!("{method} {path}: not an HTTP answer: {line:?}"))
}

/// Like [`request`], for requests that must succeed.
pub(crate) fn expect_success(method: &str, base: &Url, path: &str, json: &str) -> Result<()> {
    let status = request(method, base, path, json)?;
    ensure!((200..300).contains(&status), "{method} {path} was answered with status {status}");
    Ok(())
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_as_in_rfc_4648() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
