//! The music of ElevenLabs: composed, streamed, with its plan, and plans alone; and the account of a key.

mod plan;
mod rules;

use serde_json::{Value, json};

use self::rules::{Order, Problem};
use crate::{
    audio::{self, Codec},
    http::{Answer, key_is_good},
    prices,
    routes::Route,
    sound,
    steps::{Fault, Retry},
    verse,
    work::{Reply, Work},
};

fn domain_error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"detail": {"status": code, "message": message}}))
}

/// An error that is told apart by `detail.status`.
pub fn fault(fault: Fault, retry: Retry) -> Answer {
    let wait = match retry {
        Retry::Text(seconds) => format!(" Try again in {seconds}s."),
        _ => String::new(),
    };
    let (status, code, message) = match fault {
        Fault::RateLimited | Fault::TooManyConcurrent => {
            (429, "too_many_concurrent_requests", "Too many concurrent requests for your subscription.")
        }
        Fault::SlowDown | Fault::SystemBusy => (429, "system_busy", "The system is busy, please try again."),
        Fault::RequestTimeout => (408, "request_timeout", "The request took too long to arrive."),
        Fault::Conflict => (409, "conflict", "The resource is being changed by another request."),
        Fault::EdgeUnknown => return Answer::of_edge(520),
        Fault::EdgeTimeout => return Answer::of_edge(524),
        Fault::ServerError => (500, "internal_server_error", "Something went wrong."),
        Fault::BadGateway => (502, "bad_gateway", "Bad gateway."),
        Fault::Unavailable | Fault::Overloaded => (503, "system_busy", "The system is busy, please try again."),
        Fault::GatewayTimeout => (504, "gateway_timeout", "Gateway timeout."),
        Fault::QuotaExceeded | Fault::CreditExhausted | Fault::SpendLimit => {
            (401, "quota_exceeded", "This request exceeds your quota of credits.")
        }
        Fault::BadKey => (401, "invalid_api_key", "Invalid API key"),
        Fault::Forbidden => (403, "forbidden", "Not available to you."),
        Fault::PlanTooSmall => (403, "only_for_creator+", "Only for the Creator plan and above."),
        Fault::NotFound => (404, "not_found", "Not found."),
        Fault::TooLarge => (413, "request_too_large", "The request is too large."),
        Fault::BadRequest => (400, "invalid_request", "The request is not valid."),
        Fault::Unprocessable => return Problem::new("prompt", "value_error", "Value error").answer(),
        Fault::HarmfulPrompt => (400, "bad_prompt", "The prompt goes against the terms of service."),
        Fault::BadPrompt => {
            return suggestion("bad_prompt", "prompt_suggestion", &json!("A gentle folk song about the sea"));
        }
        Fault::BadCompositionPlan => {
            let plan = plan::of(&Order { seconds: 30.0, v2: false, lines: Vec::new() });
            return suggestion("bad_composition_plan", "composition_plan_suggestion", &plan);
        }
    };
    domain_error(status, code, &format!("{message}{wait}"))
}

fn suggestion(code: &str, name: &str, suggested: &Value) -> Answer {
    let message = "The request names copyrighted material.";
    Answer::json(400, &json!({"detail": {"status": code, "message": message, "data": {name: suggested}}}))
}

/// Answers a call.
pub fn answer(work: &Work<'_>) -> Reply {
    match work.call.header("xi-api-key") {
        None => {
            return domain_error(401, "needs_authorization", "Neither authorization header nor xi-api-key received.")
                .into();
        }
        Some(key) if !key_is_good(key) => return fault(Fault::BadKey, Retry::Absent).into(),
        Some(_) => {}
    }
    if work.target.route == Route::Subscription {
        return subscription().into();
    }
    let Some(body) = work.call.object() else {
        return Problem::new("", "json_invalid", "JSON decode error").answer().into();
    };
    let order = match rules::checked(&body, work.target.route == Route::MusicPlan) {
        Ok(order) => order,
        Err(problem) => return problem.answer().into(),
    };
    // A name that nobody may use stands for all of them.
    if body["prompt"].as_str().is_some_and(|prompt| prompt.to_lowercase().contains("beatles")) {
        return fault(Fault::BadPrompt, Retry::Absent).into();
    }
    if work.target.route == Route::MusicPlan {
        let order = match order.lines.is_empty() && body["force_instrumental"] != true {
            true => Order { lines: sung(&body, work.dice()), ..order },
            false => order,
        };
        return Answer::json(200, &plan::of(&order)).into();
    }
    composed(work, &body, &order)
}

/// An account with credits left.
fn subscription() -> Answer {
    Answer::json(
        200,
        &json!({"tier": "creator", "status": "active", "character_count": 1_200, "character_limit": 100_000,
            "can_extend_character_limit": false}),
    )
}

/// Lines that a prompt asks for.
fn sung(body: &Value, dice: u64) -> Vec<String> {
    let prompt = body["prompt"].as_str().unwrap_or_default();
    verse::write(prompt, None, None, dice).lines().map(str::to_owned).collect()
}

fn composed(work: &Work<'_>, body: &Value, order: &Order) -> Reply {
    let format = work.call.query("output_format").unwrap_or("auto");
    let Some((codec, rate)) = codec(format, order.v2) else {
        return match rules::is_format(format) {
            true => domain_error(
                501,
                "not_implemented",
                "The stand-in has no encoder for this output_format: ask for mp3 or pcm.",
            )
            .into(),
            false => Problem::at(&["query", "output_format"], "enum", "Input should be a known output format")
                .answer()
                .into(),
        };
    };
    let signs = body["sign_with_c2pa"] == true;
    if signs && !matches!(codec, Codec::Mp3 { .. }) {
        return domain_error(400, "invalid_request", "sign_with_c2pa is only for mp3.").into();
    }
    let key = work.call.header("xi-api-key").unwrap_or_default();
    let rich = matches!(codec, Codec::Mp3 { kbps } if kbps >= 192) || codec == Codec::Pcm && rate == 44_100;
    if key.contains("starter") && rich {
        return fault(Fault::PlanTooSmall, Retry::Absent).into();
    }
    let tones = sound::tune(order.seconds, work.dice());
    let Some(sound) = audio::bytes(&tones, codec, rate, channels(codec), work.sound()) else {
        return domain_error(501, "not_implemented", "The stand-in has no encoder for this rate.").into();
    };
    let song = format!("song-{:016x}", work.dice());
    let answer = match work.target.route {
        Route::MusicDetailed => detailed(body, order, codec, &sound, work.dice()),
        Route::MusicStream => Answer::bytes(200, codec.content_type(), sound).with("transfer-encoding", "chunked"),
        _ => Answer::bytes(200, codec.content_type(), sound),
    };
    let amount = (order.seconds * prices::MUSIC_SECOND_MICROS as f64).round() as u64;
    Reply { answer: answer.with("song-id", &song), charge: Some(work.charge(amount, Some(&song))) }
}

/// Music is in stereo, telephones are not.
fn channels(codec: Codec) -> u16 {
    if matches!(codec, Codec::Ulaw | Codec::Alaw) { 1 } else { 2 }
}

/// What a format's name says, if the stand-in can write it.
fn codec(format: &str, v2: bool) -> Option<(Codec, u32)> {
    let format = match format {
        "auto" if v2 => "mp3_48000_192",
        "auto" => "mp3_44100_128",
        other => other,
    };
    if !rules::is_format(format) {
        return None;
    }
    let parts: Vec<&str> = format.split('_').collect();
    match parts.as_slice() {
        ["mp3", rate, kbps] => Some((Codec::Mp3 { kbps: kbps.parse().ok()? }, rate.parse().ok()?)),
        ["pcm", rate] => Some((Codec::Pcm, rate.parse().ok()?)),
        ["ulaw", _] => Some((Codec::Ulaw, 8_000)),
        ["alaw", _] => Some((Codec::Alaw, 8_000)),
        _ => None,
    }
}

/// JSON and sound as two parts.
fn detailed(body: &Value, order: &Order, codec: Codec, sound: &[u8], dice: u64) -> Answer {
    const BOUNDARY: &str = "standin-boundary-7d1f";
    let plan = match &body["composition_plan"] {
        Value::Null if order.lines.is_empty() && body["force_instrumental"] != true => {
            plan::of(&Order { lines: sung(body, dice), ..order.clone() })
        }
        Value::Null => plan::of(order),
        given => given.clone(),
    };
    let mut detail = json!({
        "composition_plan": plan,
        "song_metadata": {"title": "Paper Harbor", "description": "A tune on five notes", "genres": ["folk"],
            "languages": ["en"], "is_explicit": false},
    });
    if body["with_timestamps"] == true {
        detail["words_timestamps"] = plan::timestamps(&plan, order.seconds);
    }
    let extension = if codec.content_type() == "audio/mpeg" { "mp3" } else { "pcm" };
    let head = format!(
        "--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{detail}\r\n--{BOUNDARY}\r\nContent-Type: {}\r\n\
         Content-Disposition: attachment; filename=\"song.{extension}\"\r\n\r\n",
        codec.content_type()
    );
    let parts = [head.as_bytes(), sound, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
    Answer::bytes(200, &format!("multipart/mixed; boundary={BOUNDARY}"), parts)
}
