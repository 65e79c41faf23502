//! What vendors allow.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    reader::Reader,
    vendor_limits::{PlanLimits, VendorLimits, WorkLimits},
    vendors::VendorKind,
};

/// The limits in the table of that name; what it does not say is as the vendors of its kind have it.
pub fn limits(reader: &mut Reader, name: &str, kind: VendorKind) -> VendorLimits {
    let VendorLimits { text_chars, plans, work } = kind.limits();
    VendorLimits {
        text_chars: reader.number(&at(name, "max_text_chars"), 40..=100_000).unwrap_or(text_chars),
        plans: plan_limits(reader, name, &plans),
        work: work_limits(reader, name, &work),
    }
}

fn at(name: &str, key: &str) -> String {
    format!("providers.{name}.{key}")
}

fn plan_limits(reader: &mut Reader, name: &str, usual: &PlanLimits) -> PlanLimits {
    let mut count =
        |key: &str, range: RangeInclusive<usize>, usual: usize| reader.number(&at(name, key), range).unwrap_or(usual);
    let parts = count("max_parts", 1..=1_000, usual.parts);
    let lines = count("max_part_lines", 1..=1_000, usual.lines);
    let line_chars = count("max_line_chars", 20..=10_000, usual.line_chars);
    let name_chars = count("max_part_name_chars", 20..=1_000, usual.name_chars);
    let styles = count("max_styles", 10..=1_000, usual.styles);
    let seed = reader.number(&at(name, "max_seed"), 1..=(1 << 53) - 1).unwrap_or(usual.seed);
    let lengths = (*usual.part_ms.start(), *usual.part_ms.end());
    // What is too long is cut into equal pieces, and none of them may be too short.
    let (shortest, longest) = ends(reader, name, ["min_part_ms", "max_part_ms"], (lengths, 1..=3_600_000), 2);
    PlanLimits { part_ms: shortest..=longest, parts, lines, line_chars, name_chars, styles, seed }
}

fn work_limits(reader: &mut Reader, name: &str, usual: &WorkLimits) -> WorkLimits {
    let inline_bytes = reader.number(&at(name, "max_inline_bytes"), 0..=8 << 20).unwrap_or(usual.inline_bytes);
    let mut millis = |key: &str, range: RangeInclusive<u64>, usual: Duration| {
        reader.number(&at(name, key), range).map_or(usual, Duration::from_millis)
    };
    let upload_kept = millis("upload_kept_ms", 1_800_000..=31_536_000_000, usual.upload_kept);
    // An answer is waited for up to 20 s: what is not there before then may still be on its way.
    let arrival = millis("arrival_ms", 30_000..=3_600_000, usual.arrival);
    let known_within = millis("known_within_ms", 0..=3_600_000, usual.known_within);
    let mut looks = |keys: [&str; 2], (soonest, latest): (Duration, Duration)| {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let given = ends(reader, name, keys, ((millis(soonest), millis(latest)), 200..=600_000), 1);
        (Duration::from_millis(given.0), Duration::from_millis(given.1))
    };
    WorkLimits {
        inline_bytes,
        upload_kept,
        arrival,
        known_within,
        looks: looks(["min_look_ms", "max_look_ms"], usual.looks),
        training_looks: looks(["min_training_look_ms", "max_training_look_ms"], usual.training_looks),
    }
}

/// Two ends in milliseconds, each within a range and else as usual, of which the later is at least so many `times` the earlier.
fn ends(
    reader: &mut Reader,
    name: &str,
    keys: [&str; 2],
    (usual, range): ((u64, u64), RangeInclusive<u64>),
    times: u64,
) -> (u64, u64) {
    let [low_path, high_path] = keys.map(|key| at(name, key));
    let low = reader.number(&low_path, range.clone()).unwrap_or(usual.0);
    let high = reader.number(&high_path, range).unwrap_or(usual.1);
    let least = low.saturating_mul(times);
    if high < least && reader.are_good(&[&low_path, &high_path]) {
        let [low_key, high_key] = keys;
        let expected = format!("a {high_key} of at least {least}, since {low_key} is {low}; it is {high}");
        let path = if reader.is_given(&high_path) { high_path } else { low_path };
        reader.wrong(&path, Some(&expected));
    }
    (low, high)
}
