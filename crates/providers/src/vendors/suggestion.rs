//! What a vendor would take in the place of a plan that it refused, in words for whoever asked: what it would change.

use serde_json::Value;

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Longest that is told, in characters, and the longest entry of a list.
    pub chars: usize,
    pub entry_chars: usize,
    /// Most entries of one list that are told by name.
    pub named: usize,
}

/// In a message among other words.
pub const SHORT: Room = Room { chars: 600, entry_chars: 80, named: 4 };
/// For itself: the vendor takes prompts of 4,100 characters and lines of 200.
pub const WHOLE: Room = Room { chars: 4_100, entry_chars: 200, named: MOST_READ };
/// Most entries of one list that are read.
const MOST_READ: usize = 200;
/// Most sections or chunks that are read.
const MOST_PARTS: usize = 60;

/// The lists of a whole plan, and those of one part, as either version of plans names them.
const OF_THE_SONG: [(&str, &[&str]); 2] =
    [("styles", &["positive_global_styles"]), ("what is ruled out", &["negative_global_styles"])];
const OF_A_PART: [(&str, &[&str]); 3] = [
    ("lines", &["lines", "text"]),
    ("styles", &["positive_local_styles", "positive_styles"]),
    ("what is ruled out", &["negative_local_styles", "negative_styles"]),
];

static NOTHING: Value = Value::Null;

/// How a plan that is suggested differs from the one that was sent; all that it says where none is known.
pub fn in_words(suggested: &Value, sent: Option<&Value>, room: Room) -> String {
    let sent = sent.unwrap_or(&NOTHING);
    let mut changes: Vec<String> = Vec::new();
    for (what, names) in OF_THE_SONG {
        changes.extend(change(what, &texts(sent, names, room), &texts(suggested, names, room), room));
    }
    for (index, part) in parts(suggested).iter().take(MOST_PARTS).enumerate() {
        let before = parts(sent).get(index).unwrap_or(&NOTHING);
        let name = part["section_name"].as_str().map(|name| entry(name, room)).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| format!("part {}", index + 1));
        for (what, names) in OF_A_PART {
            let (before, after) = (texts(before, names, room), texts(part, names, room));
            changes.extend(change(&format!("{what} of {name}"), &before, &after, room));
        }
    }
    told(&changes, room)
}

/// As many of the changes as there is room for.
fn told(changes: &[String], room: Room) -> String {
    let (mut told, mut chars): (Vec<String>, _) = (Vec::new(), 0);
    for change in changes {
        chars += change.chars().count();
        if chars > room.chars {
            // Even the first one may be longer than there is room for: its beginning says more than nothing.
            if told.is_empty() {
                told.push(change.chars().take(room.chars).chain(Some('…')).collect());
            }
            told.push("and more".to_owned());
            break;
        }
        told.push(change.clone());
    }
    if told.is_empty() { "another composition plan".to_owned() } else { told.join("; ") }
}

fn parts(plan: &Value) -> &[Value] {
    plan["sections"].as_array().or_else(|| plan["chunks"].as_array()).map(Vec::as_slice).unwrap_or_default()
}

/// The entries of a list, or the lines of a text.
fn texts(of: &Value, names: &[&str], room: Room) -> Vec<String> {
    let raw = names.iter().flat_map(|name| of[*name].as_array().into_iter().flatten().chain(Some(&of[*name])));
    let lines = raw.filter_map(Value::as_str).flat_map(str::lines).take(MOST_READ);
    lines.map(|line| entry(line, room)).filter(|text| !text.is_empty()).collect()
}

/// A stranger's text on one line, without what terminals would act on.
fn entry(text: &str, room: Room) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = words.chars().filter(|c| !c.is_control()).collect();
    if plain.chars().count() <= room.entry_chars {
        return plain;
    }
    plain.chars().take(room.entry_chars).chain(Some('…')).collect()
}

fn change(what: &str, before: &[String], after: &[String], room: Room) -> Option<String> {
    match (only_in(after, before, room), only_in(before, after, room)) {
        (None, None) => None,
        (Some(new), None) => Some(format!("{what} with {new}")),
        (None, Some(old)) => Some(format!("{what} without {old}")),
        (Some(new), Some(old)) => Some(format!("{what} with {new} in place of {old}")),
    }
}

/// What stands in the one list and not in the other; `None` where that is nothing.
fn only_in(these: &[String], those: &[String], room: Room) -> Option<String> {
    let own: Vec<String> = these.iter().filter(|text| !those.contains(text)).map(|text| format!("“{text}”")).collect();
    let more = own.len().saturating_sub(room.named);
    let named = own.iter().take(room.named).cloned().collect::<Vec<_>>().join(", ");
    match (own.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named),
        (false, more) => Some(format!("{named} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(suggested: &Value, sent: &Value, expected: &str) {
        assert_eq!(in_words(suggested, Some(sent), SHORT), expected, "{suggested}");
    }

    #[test]
    fn what_would_change_is_told_and_nothing_else() {
        let plan = |style: &str, line: &str| {
            json!({"positive_global_styles": ["folk", style], "negative_global_styles": ["drums"], "sections": [
                {"section_name": "Verse", "lines": ["Rain on the roof", line], "positive_local_styles": ["calm"]},
            ]})
        };
        let sent = plan("in the manner of a star", "A line of a hit");
        check(
            &plan("acoustic", "A line of nobody's"),
            &sent,
            "styles with “acoustic” in place of “in the manner of a star”; \
             lines of Verse with “A line of nobody's” in place of “A line of a hit”",
        );
        check(&sent, &sent, "another composition plan");
        check(
            &json!({"positive_global_styles": ["folk"], "negative_global_styles": ["drums", "shouting"]}),
            &sent,
            "styles without “in the manner of a star”; what is ruled out with “shouting”",
        );
    }

    #[test]
    fn chunks_have_their_lines_in_a_text_and_no_names() {
        let chunk = |text: &str| json!({"chunks": [{"text": "la"}, {"text": text, "positive_styles": ["folk"]}]});
        check(&chunk("one\ntwo"), &chunk("one\nthree"), "lines of part 2 with “two” in place of “three”");
    }

    #[test]
    fn without_a_plan_that_was_sent_all_of_it_is_told_within_bounds() {
        let words = |suggested: Value| in_words(&suggested, None, SHORT);
        assert_eq!(words(json!({"positive_global_styles": ["folk", 7, " "]})), "styles with “folk”");
        assert_eq!(words(json!({"sections": "none", "positive_global_styles": 7})), "another composition plan");
        let many: Vec<String> = (0..30).map(|n| format!("style {n}")).collect();
        assert!(words(json!({"positive_global_styles": many})).ends_with("“style 3” and 26 more"));
        let four: Vec<String> = (0..4).map(|n| format!("{n}{}", "x".repeat(200))).collect();
        let sent = json!({"negative_global_styles": four});
        let long = in_words(
            &json!({"negative_global_styles": four.iter().map(|x| format!("y{x}")).collect::<Vec<_>>()}),
            Some(&sent),
            SHORT,
        );
        assert!(long.starts_with("what is ruled out with “y0x") && long.ends_with("…; and more"), "{long}");
        let section = json!({"section_name": "a\u{1b}[31m\nb", "lines": ["x".repeat(9_000)]});
        let long = words(json!({"sections": vec![section; 50]}));
        assert!(long.chars().count() < SHORT.chars + 200 && long.ends_with("and more"), "{long}");
        assert!(!long.contains(char::is_control) && long.contains('…'), "{long}");
        let lines: Vec<String> = (0..12).map(|n| format!("{n} {}", "la ".repeat(40).trim_end())).collect();
        let whole = in_words(&json!({"sections": [{"section_name": "Verse", "lines": lines}]}), None, WHOLE);
        assert!(lines.iter().all(|line| whole.contains(line)) && !whole.contains('…'), "{whole}");
    }
}
