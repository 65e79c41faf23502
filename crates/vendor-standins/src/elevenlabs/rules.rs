//! What a request for music may say, as it is documented.

use serde_json::{Value, json};

use crate::http::Answer;

/// Length of a song, in milliseconds.
const SONG_MS: std::ops::RangeInclusive<u64> = 3_000..=600_000;
/// Length of a section or a chunk, in milliseconds.
const PART_MS: std::ops::RangeInclusive<u64> = 3_000..=120_000;
const MOST_CHUNKS: usize = 30;
const MOST_LINES: usize = 30;
const LONGEST_LINE: usize = 200;
const LONGEST_NAME: usize = 100;
const MOST_STYLES: usize = 50;
const LONGEST_CONDITIONING_MS: u64 = 30_000;
/// Length of a song when nobody says one.
const USUAL_SECONDS: f64 = 30.0;

const FORMATS: [&str; 26] = [
    "mp3_22050_32",
    "mp3_24000_48",
    "mp3_44100_32",
    "mp3_44100_64",
    "mp3_44100_96",
    "mp3_44100_128",
    "mp3_44100_192",
    "mp3_48000_128",
    "mp3_48000_192",
    "mp3_48000_240",
    "mp3_48000_320",
    "pcm_8000",
    "pcm_16000",
    "pcm_22050",
    "pcm_24000",
    "pcm_32000",
    "pcm_44100",
    "pcm_48000",
    "ulaw_8000",
    "alaw_8000",
    "opus_48000_32",
    "opus_48000_64",
    "opus_48000_96",
    "opus_48000_128",
    "opus_48000_192",
    "auto",
];

/// Whether it is the name of an output format.
pub fn is_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// What is to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Order {
    pub seconds: f64,
    pub v2: bool,
    /// Of the plan that came with it.
    pub lines: Vec<String>,
}

/// A refusal in the form of FastAPI (422).
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    location: Vec<String>,
    kind: &'static str,
    message: String,
}

impl Problem {
    /// Of a field of the body; fields inside of others are written with dots.
    pub fn new(field: &str, kind: &'static str, message: &str) -> Self {
        let path: Vec<&str> = std::iter::once("body").chain(field.split('.').filter(|part| !part.is_empty())).collect();
        Self::at(&path, kind, message)
    }

    pub fn at(location: &[&str], kind: &'static str, message: &str) -> Self {
        Self { location: location.iter().map(|part| (*part).to_owned()).collect(), kind, message: message.to_owned() }
    }

    pub fn answer(&self) -> Answer {
        let detail = json!([{"loc": self.location, "msg": self.message, "type": self.kind}]);
        Answer::json(422, &json!({ "detail": detail }))
    }
}

fn value_error<T>(field: &str, message: &str) -> Result<T, Problem> {
    Err(Problem::new(field, "value_error", message))
}

fn whole(body: &Value, field: &str, range: &std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Problem> {
    let value = field.split('.').fold(body, |value, part| match part.parse::<usize>() {
        Ok(index) => &value[index],
        Err(_) => &value[part],
    });
    match value {
        Value::Null => Ok(None),
        value => match value.as_u64() {
            None => Err(Problem::new(field, "int_parsing", "Input should be a valid integer")),
            Some(number) if range.contains(&number) => Ok(Some(number)),
            Some(_) => value_error(field, &format!("Input should be from {} to {}", range.start(), range.end())),
        },
    }
}

/// What a body asks for. `plans` when only a plan is wanted.
pub fn checked(body: &Value, plans: bool) -> Result<Order, Problem> {
    let v2 = match body["model_id"].as_str().unwrap_or("music_v1") {
        "music_v1" => false,
        "music_v2" => true,
        _ => return Err(Problem::new("model_id", "enum", "Input should be 'music_v1' or 'music_v2'")),
    };
    let length = whole(body, "music_length_ms", &SONG_MS)?;
    let prompt = body["prompt"].as_str().filter(|prompt| !prompt.is_empty());
    let plan = Some(&body["composition_plan"]).filter(|plan| !plan.is_null());
    match (prompt, plan) {
        (Some(_), Some(_)) => value_error("", "Only one of prompt and composition_plan may be given"),
        (None, None) => value_error("", "One of prompt and composition_plan must be given"),
        (Some(_), None) => {
            if !body["seed"].is_null() {
                return value_error("seed", "seed cannot be used with prompt");
            }
            let seconds = length.map_or(USUAL_SECONDS, |ms| ms as f64 / 1e3);
            Ok(Order { seconds, v2, lines: Vec::new() })
        }
        (None, Some(_)) if plans => value_error("prompt", "Field required"),
        (None, Some(plan)) => {
            if length.is_some() {
                return value_error("music_length_ms", "music_length_ms can only be used with prompt");
            }
            if !body["force_instrumental"].is_null() {
                return value_error("force_instrumental", "force_instrumental can only be used with prompt");
            }
            if plan.get(if v2 { "sections" } else { "chunks" }).is_some() {
                return value_error("composition_plan", "the plan is of another version than the model");
            }
            let (ms, lines) = if v2 { chunks(body, plan)? } else { sections(body, plan)? };
            if !SONG_MS.contains(&ms) {
                return value_error("composition_plan", "the song must be from 3000 to 600000 ms long");
            }
            Ok(Order { seconds: ms as f64 / 1e3, v2, lines })
        }
    }
}

/// An array of strings of at most so many, each of at most so many characters.
fn strings<'v>(value: &'v Value, field: &str, most: usize, longest: usize) -> Result<Vec<&'v str>, Problem> {
    let Some(items) = value.as_array() else {
        return Err(Problem::new(field, "list_type", "Input should be a valid list"));
    };
    if items.len() > most {
        return Err(Problem::new(field, "too_long", &format!("List should have at most {most} items")));
    }
    let text = |item: &'v Value| item.as_str().filter(|text| text.chars().count() <= longest);
    let all: Option<Vec<&str>> = items.iter().map(text).collect();
    all.ok_or_else(|| {
        Problem::new(field, "string_too_long", &format!("each should be a string of at most {longest} characters"))
    })
}

fn sections(body: &Value, plan: &Value) -> Result<(u64, Vec<String>), Problem> {
    for name in ["positive_global_styles", "negative_global_styles"] {
        strings(&plan[name], &format!("composition_plan.{name}"), usize::MAX, usize::MAX)?;
    }
    let Some(sections) = plan["sections"].as_array().filter(|sections| !sections.is_empty()) else {
        return Err(Problem::new("composition_plan.sections", "missing", "Field required"));
    };
    let (mut total, mut all) = (0, Vec::new());
    for (index, section) in sections.iter().enumerate() {
        let field = |name: &str| format!("composition_plan.sections.{index}.{name}");
        let length = section["section_name"].as_str().map_or(0, |name| name.chars().count());
        if !(1..=LONGEST_NAME).contains(&length) {
            return Err(Problem::new(&field("section_name"), "string_too_short", "1 to 100 characters"));
        }
        for name in ["positive_local_styles", "negative_local_styles"] {
            strings(&section[name], &field(name), usize::MAX, usize::MAX)?;
        }
        let Some(ms) = whole(body, &field("duration_ms"), &PART_MS)? else {
            return Err(Problem::new(&field("duration_ms"), "missing", "Field required"));
        };
        total += ms;
        all.extend(
            strings(&section["lines"], &field("lines"), MOST_LINES, LONGEST_LINE)?.into_iter().map(str::to_owned),
        );
    }
    Ok((total, all))
}

fn chunks(body: &Value, plan: &Value) -> Result<(u64, Vec<String>), Problem> {
    let Some(chunks) = plan["chunks"].as_array().filter(|chunks| (1..=MOST_CHUNKS).contains(&chunks.len())) else {
        return value_error("composition_plan.chunks", "1 to 30 chunks");
    };
    let (mut total, mut all) = (0, Vec::new());
    for (index, chunk) in chunks.iter().enumerate() {
        let field = |name: &str| format!("composition_plan.chunks.{index}.{name}");
        if chunk.get("song_id").is_some() {
            let (start, end) = (chunk["range"]["start_ms"].as_u64(), chunk["range"]["end_ms"].as_u64());
            match (start, end) {
                (Some(start), Some(end)) if start < end => total = end.saturating_add(total) - start,
                _ => return value_error(&field("range"), "start_ms must lie before end_ms"),
            }
            continue;
        }
        let Some(text) = chunk["text"].as_str() else {
            return Err(Problem::new(&field("text"), "missing", "Field required"));
        };
        let Some(ms) = whole(body, &field("duration_ms"), &PART_MS)? else {
            return Err(Problem::new(&field("duration_ms"), "missing", "Field required"));
        };
        for name in ["positive_styles", "negative_styles"].into_iter().filter(|name| chunk.get(*name).is_some()) {
            strings(&chunk[name], &field(name), MOST_STYLES, usize::MAX)?;
        }
        let one_of = |name: &str, words: &[&str]| {
            let fine = chunk[name].is_null() || chunk[name].as_str().is_some_and(|word| words.contains(&word));
            if fine { Ok(()) } else { Err(Problem::new(&field(name), "enum", &format!("one of {}", words.join(", ")))) }
        };
        one_of("context_adherence", &["low", "medium", "high"])?;
        one_of("condition_strength", &["low", "medium", "high", "xhigh"])?;
        let range = &chunk["conditioning_ref"]["range"];
        if let (Some(start), Some(end)) = (range["start_ms"].as_u64(), range["end_ms"].as_u64())
            && end.saturating_sub(start) > LONGEST_CONDITIONING_MS
        {
            return value_error(&field("conditioning_ref"), "at most 30 seconds");
        }
        total += ms;
        all.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok((total, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: Value) -> String {
        checked(&body, false).map_or_else(|problem| problem.message, |order| panic!("taken: {order:?}"))
    }

    fn section(ms: u64, lines: Value) -> Value {
        json!({"section_name": "Verse", "positive_local_styles": [], "negative_local_styles": [], "duration_ms": ms, "lines": lines})
    }

    fn plan(sections: Value) -> Value {
        json!({"positive_global_styles": ["folk"], "negative_global_styles": [], "sections": sections})
    }

    #[test]
    fn what_is_documented_is_taken() {
        let order = checked(&json!({"prompt": "a song", "music_length_ms": 3_000}), false).unwrap();
        assert_eq!((order.seconds, order.v2), (3.0, false));
        let order = checked(&json!({"composition_plan": plan(json!([section(3_000, json!(["One"])), section(120_000, json!([]))])), "seed": 1}), false).unwrap();
        assert_eq!((order.seconds, order.lines), (123.0, vec!["One".to_owned()]));
        let chunk =
            json!({"text": "La la", "duration_ms": 5_000, "positive_styles": ["folk"], "context_adherence": "high"});
        let order = checked(&json!({"model_id": "music_v2", "composition_plan": {"chunks": [chunk]}}), false).unwrap();
        assert_eq!((order.seconds, order.v2), (5.0, true));
    }

    #[test]
    fn every_limit_refuses_one_past_it() {
        assert!(refused(json!({})).contains("must be given"));
        assert!(refused(json!({"prompt": "a", "composition_plan": plan(json!([]))})).contains("Only one"));
        for ms in [2_999, 600_001] {
            assert!(refused(json!({"prompt": "a", "music_length_ms": ms})).contains("from 3000 to 600000"));
        }
        assert!(refused(json!({"prompt": "a", "seed": 1})).contains("seed"));
        assert!(refused(json!({"prompt": "a", "model_id": "music_v9"})).contains("music_v1"));
        let with = |sections: Value| json!({"composition_plan": plan(sections)});
        let mut long = with(json!([section(3_000, json!([]))]));
        long["music_length_ms"] = json!(3_000);
        assert!(refused(long).contains("only be used with prompt"));
        for ms in [2_999, 120_001] {
            assert!(refused(with(json!([section(ms, json!([]))]))).contains("from 3000 to 120000"));
        }
        assert!(refused(with(json!([section(3_000, json!(["x".repeat(201)]))]))).contains("200"));
        assert!(refused(with(json!([section(3_000, json!(vec!["x"; 31]))]))).contains("30"));
        assert!(refused(with(json!(vec![section(120_000, json!([])); 6]))).contains("600000"));
        let mut other = with(json!([section(3_000, json!([]))]));
        other["model_id"] = json!("music_v2");
        assert!(refused(other).contains("another version"));
        let chunk = json!({"text": "", "duration_ms": 3_000, "positive_styles": vec!["x"; 51]});
        assert!(refused(json!({"model_id": "music_v2", "composition_plan": {"chunks": [chunk]}})).contains("50"));
        let chunk = json!({"text": "", "duration_ms": 3_000});
        assert!(
            refused(json!({"model_id": "music_v2", "composition_plan": {"chunks": vec![chunk; 31]}}))
                .contains("30 chunks")
        );
    }
}
