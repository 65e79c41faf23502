//! The call that is paid for: asks for the song, writes down what comes, takes it apart, and listens to it.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
};

use domain::{Cost, Prices, Usage};
use outbound::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{details::Details, format::OutputFormat};
use crate::{
    calls::Answered,
    capability::blocking,
    outside_service::CallError,
    vendors::{VendorHttp, parts, received},
};

/// A song may be so much shorter than asked, as a share, and longer by as much and by so many seconds. What is longer is cut
/// later.
const SHORTEST_SHARE: f64 = 0.8;
const LONGEST_SHARE: f64 = 1.2;
const LONGER_SECONDS: f64 = 2.0;
/// Most of what is said of a song, in bytes.
const MOST_DETAIL_BYTES: u64 = 4 * 1024 * 1024;
/// Longest id of a song that is kept.
const LONGEST_ID: usize = 100;

/// What the vendor charges by: the length that was asked for.
pub fn usage(seconds: f64) -> Usage {
    Usage { audio_seconds: seconds, ..Usage::default() }
}

/// What is asked for, with all that the asking needs: it may outlast whoever waits for it.
pub struct Order {
    pub http: VendorHttp,
    pub format: OutputFormat,
    pub prices: Prices,
    pub body: Value,
    /// That are to be sung.
    pub lines: Vec<Vec<String>>,
    pub seconds: f64,
    /// Then what is known of the song comes with its sound.
    pub is_sung: bool,
}

impl Order {
    fn charge(&self) -> (Usage, Option<Cost>) {
        let usage = usage(self.seconds);
        let cost = self.prices.cost(&usage);
        (usage, cost)
    }

    /// Makes the call, known by the id of its row. The answer's type is not believed: what came is looked at.
    pub async fn make(self, known_as: String) -> Result<Answered, CallError> {
        let (http, charge) = (&self.http, self.charge());
        let into = received::room().map_err(CallError::Refused)?;
        let route = if self.is_sung { "detailed" } else { "stream" };
        let path = format!("v1/music/{route}?output_format={}", self.format.name);
        let request = http.post_known_as(&known_as, &path, self.format.most_bytes(self.seconds)).json(&self.body);
        let answer = http.paid_to_plan(request, &self.body["composition_plan"]).await?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let id = header("song-id").map(|id| id.chars().take(LONGEST_ID).collect::<String>());
        let named = header(CONTENT_TYPE.as_str()).and_then(parts::boundary).map(str::to_owned);
        let body = received::spool(http, answer, into, &charge).await?;
        let useless = |what: &str| received::useless(http.misbehaved(what), &charge);
        let (format, seconds) = (self.format.clone(), self.seconds);
        let taken = blocking(move || taken_apart(body, named, &format, seconds)).await;
        let taken = taken.map_err(|failure| received::useless(failure, &charge))?;
        let taken = taken.map_err(|_| useless("sent an answer that cannot be read back"))?;
        let Some((sound, details)) = taken else { return Err(useless("sent parts that are not whole, or no sound")) };
        let plausible = seconds * SHORTEST_SHARE..=seconds * LONGEST_SHARE + LONGER_SECONDS;
        let heard = received::listen(&sound, plausible).await.map_err(|what| useless(&what))?;
        let details = details.map(|details| Details::read(&details, &self.lines, heard.unwrap_or(seconds)));
        let (usage, cost) = charge;
        let value = json!({ "songId": id, "seconds": heard, "details": details.unwrap_or_default() });
        Ok(Answered { value, files: vec![sound], usage, cost })
    }
}

/// The sound as a file of its own, and what was said of it; `None` where the body is not whole. A body of parts is known by its
/// beginning where its type does not say so.
fn taken_apart(
    mut body: File,
    named: Option<String>,
    format: &OutputFormat,
    seconds: f64,
) -> io::Result<Option<(File, Option<Value>)>> {
    let length = body.metadata()?.len();
    let Some(boundary) = named.map_or_else(|| first_boundary(&mut body), |named| Ok(Some(named)))? else {
        return Ok(Some((own_file(body, 0..length, format, seconds)?, None)));
    };
    let Some(found) = parts::parts(&mut body, &boundary)? else { return Ok(None) };
    let is_json = |part: &&parts::Part| part.media_type.ends_with("json");
    let details = match found.iter().find(is_json) {
        Some(part) if part.range.end - part.range.start <= MOST_DETAIL_BYTES => json_of(&mut body, &part.range)?,
        _ => None,
    };
    // Whatever is the largest of the others.
    let sound = found.iter().filter(|part| !is_json(part)).max_by_key(|part| part.range.end - part.range.start);
    let Some(sound) = sound else { return Ok(None) };
    Ok(Some((own_file(body, sound.range.clone(), format, seconds)?, details)))
}

/// Of a body that begins with `--` and a line of letters.
fn first_boundary(body: &mut File) -> io::Result<Option<String>> {
    let mut beginning = Vec::new();
    body.seek(SeekFrom::Start(0))?;
    body.by_ref().take(80).read_to_end(&mut beginning)?;
    let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let boundary = std::str::from_utf8(line).ok().and_then(|line| line.trim_end().strip_prefix("--"));
    let is_boundary = |text: &&str| {
        !text.is_empty() && line.len() < beginning.len() && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    Ok(boundary.filter(is_boundary).map(str::to_owned))
}

fn json_of(body: &mut File, range: &Range<u64>) -> io::Result<Option<Value>> {
    let mut bytes = Vec::new();
    body.seek(SeekFrom::Start(range.start))?;
    body.by_ref().take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes).ok())
}

fn own_file(mut body: File, range: Range<u64>, format: &OutputFormat, seconds: f64) -> io::Result<File> {
    let length = range.end - range.start;
    if format.is_file() && range.start == 0 && length == body.metadata()?.len() {
        return Ok(body);
    }
    let mut own = tempfile::tempfile()?;
    if length > 0 {
        format.begin(&mut own, length, seconds)?;
    }
    body.seek(SeekFrom::Start(range.start))?;
    io::copy(&mut body.take(length), &mut own)?;
    own.rewind()?;
    Ok(own)
}
