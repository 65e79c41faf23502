//! Plans of songs in both versions.

use serde_json::{Value, json};

use super::rules::Order;

/// Longest part that is planned, in milliseconds.
const LONGEST_PART_MS: u64 = 30_000;

/// A plan for an order: parts of equal length, the lines shared out among them.
pub fn of(order: &Order) -> Value {
    let total_ms = (order.seconds * 1e3).round() as u64;
    let parts = total_ms.div_ceil(LONGEST_PART_MS).max(1);
    let each = order.lines.len().div_ceil(usize::try_from(parts).unwrap_or(1)).max(1);
    let mut lines = order.lines.chunks(each);
    let lengths = (0..parts).map(|index| total_ms * (index + 1) / parts - total_ms * index / parts);
    let part = |(index, ms): (usize, u64)| {
        let lines = lines.next().unwrap_or_default();
        if order.v2 {
            return json!({"text": lines.join("\n"), "duration_ms": ms, "positive_styles": ["folk"], "negative_styles": [],
                "context_adherence": "medium"});
        }
        let name = if index.is_multiple_of(2) { "Verse" } else { "Chorus" };
        json!({"section_name": name, "positive_local_styles": [], "negative_local_styles": [], "duration_ms": ms, "lines": lines})
    };
    let parts: Vec<Value> = lengths.enumerate().map(part).collect();
    if order.v2 {
        return json!({ "chunks": parts });
    }
    json!({"positive_global_styles": ["folk", "acoustic"], "negative_global_styles": [], "sections": parts})
}

/// When each word of a plan is sung: one after the other, evenly over the song.
pub fn timestamps(plan: &Value, seconds: f64) -> Value {
    let parts =
        plan["sections"].as_array().or_else(|| plan["chunks"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for part in parts {
        let lines = part["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for line in lines.chain(part["text"].as_str()) {
            words.extend(line.split_whitespace().map(str::to_owned));
        }
    }
    let each_ms = seconds * 1e3 / words.len().max(1) as f64;
    let stamp = |(index, word): (usize, &String)| json!({"word": word, "start_ms": (index as f64 * each_ms) as u64, "end_ms": ((index + 1) as f64 * each_ms) as u64});
    words.iter().enumerate().map(stamp).collect()
}
