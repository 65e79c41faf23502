//! From what a model has said to lines: the JSON that was asked for, also where prose or a fence stands around it, or plain
//! lines of a model that knows no JSON.

use serde_json::Value;

/// More lines than this are not read.
const MOST_LINES: usize = 400;

/// What was read. All of it is still a stranger's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draught {
    pub title: Option<String>,
    /// `None` where something else than a text stood in the place of a line.
    pub lines: Vec<Option<String>>,
}

pub fn read(text: &str) -> Draught {
    match (text.find('{'), text.rfind('}')) {
        (Some(start), Some(end)) if start < end => serde_json::from_str::<Value>(&text[start..=end])
            .map_or_else(|_| Draught::default(), |value| of_json(&value)),
        (None, None) => Draught { title: None, lines: plain_lines(text) },
        // JSON that broke off.
        _ => Draught::default(),
    }
}

fn of_json(value: &Value) -> Draught {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let lines = value["lines"].as_array().map_or(&[][..], Vec::as_slice);
    Draught { title: text(&value["title"]), lines: lines.iter().take(MOST_LINES).map(text).collect() }
}

/// Without the names of parts and what else stands in brackets, and without fences.
fn plain_lines(text: &str) -> Vec<Option<String>> {
    let is_line = |line: &&str| !line.is_empty() && !line.starts_with(['[', '(', '#', '`']);
    text.lines().map(str::trim).filter(is_line).take(MOST_LINES).map(|line| Some(line.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, title: Option<&str>, lines: &[Option<&str>]) {
        let lines = lines.iter().map(|line| line.map(str::to_owned)).collect();
        assert_eq!(read(text), Draught { title: title.map(str::to_owned), lines }, "{text}");
    }

    #[test]
    fn lines_are_found_in_what_models_write() {
        check(r#"{"title":"T","lines":["a","b"]}"#, Some("T"), &[Some("a"), Some("b")]);
        check("Here you are:\n```json\n{\"lines\":[\"a\"]}\n```\nEnjoy!", None, &[Some("a")]);
        check("[Verse]\na\n\n b \n", None, &[Some("a"), Some("b")]);
        check(r#"{"title":["T"],"lines":[["a"],"b",null,7]}"#, None, &[None, Some("b"), None, None]);
    }

    #[test]
    fn what_is_no_answer_has_no_lines() {
        for text in ["", "{", "}{", r#"{"lines":["a"#, r#"{"lines":["\ud800"]}"#, r#"{"lines":"a"}"#, r#"{"other":[]}"#]
        {
            check(text, None, &[]);
        }
        let many = "a\n".repeat(10_000);
        assert_eq!(read(&many).lines.len(), MOST_LINES);
    }
}
