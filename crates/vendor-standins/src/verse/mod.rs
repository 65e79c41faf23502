//! The words of the chat models: lines with the syllables that a prompt asks for, in the form that a schema asks for.

mod counts;
mod schema;
mod words;

use serde_json::Value;

use crate::steps::Words;

/// Lines and what a prompt wanted of each when it says nothing.
const USUAL_LINES: usize = 4;
const USUAL_SYLLABLES: usize = 7;

/// What a model writes: JSON when there is a schema, plain lines otherwise; amiss as told.
pub fn write(prompt: &str, schema: Option<&Value>, amiss: Option<&Words>, dice: u64) -> String {
    if let Some(Words::Literal(text)) = amiss {
        return text.clone();
    }
    let mut wanted = counts::wanted(prompt);
    if wanted.is_empty() {
        let lines = schema.and_then(schema::least_lines).unwrap_or(USUAL_LINES);
        wanted = vec![USUAL_SYLLABLES; lines];
    }
    match amiss {
        Some(Words::LineMissing) => _ = wanted.pop(),
        Some(Words::TooLong) => wanted.iter_mut().for_each(|count| *count *= 2),
        _ => {}
    }
    let mut lines = words::lines(&wanted, dice);
    if amiss == Some(&Words::Nul)
        && let Some(first) = lines.first_mut()
    {
        first.insert(1, '\0');
    }
    let mut text = match schema {
        Some(schema) => {
            let mut filled = schema::fill(schema, &lines, &wanted);
            if amiss == Some(&Words::Arrays) {
                strings_to_arrays(&mut filled);
            }
            filled.to_string()
        }
        None => lines.join("\n"),
    };
    match amiss {
        Some(Words::LoneSurrogate | Words::LoneSurrogateInBody) => {
            // In the first string: behind the first quotation mark that follows a colon or a bracket.
            let at = [":\"", "[\""].iter().filter_map(|mark| text.find(mark)).min().map_or(0, |at| at + 2);
            text.insert_str(at, "\\ud800");
        }
        Some(Words::Truncated) => {
            text.truncate((0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0))
        }
        Some(Words::Prose) => {
            text = format!("Here are the lyrics that you asked for:\n\n{text}\n\nI hope you like them!")
        }
        Some(Words::CodeFence) => text = format!("```json\n{text}\n```"),
        Some(Words::Empty) => text.clear(),
        _ => {}
    }
    text
}

/// The first half of a text, as of a model that was stopped.
pub fn half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}

fn strings_to_arrays(value: &mut Value) {
    match value {
        Value::String(text) => *value = text.split(' ').map(Value::from).collect(),
        Value::Array(items) => items.iter_mut().for_each(strings_to_arrays),
        Value::Object(fields) => fields.values_mut().for_each(strings_to_arrays),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amiss_as_told() {
        let schema = json!({"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}});
        let prompt = "Line 1: 5 syllables\nLine 2: 6 syllables";
        let with = |amiss: Words| write(prompt, Some(&schema), Some(&amiss), 1);
        let read = |text: &str| serde_json::from_str::<Value>(text);
        let proper = read(&write(prompt, Some(&schema), None, 1)).unwrap();
        assert_eq!(proper["lines"].as_array().unwrap().len(), 2);
        assert!(read(&with(Words::Nul)).unwrap()["lines"][0].as_str().unwrap().contains('\0'));
        assert!(read(&with(Words::Arrays)).unwrap()["lines"][0].is_array());
        assert!(with(Words::LoneSurrogate).contains("[\"\\ud800") && read(&with(Words::LoneSurrogate)).is_err());
        assert!(read(&with(Words::Truncated)).is_err());
        assert!(with(Words::Prose).starts_with("Here are") && with(Words::CodeFence).starts_with("```json\n{"));
        assert_eq!(with(Words::Empty), "");
        assert_eq!(read(&with(Words::LineMissing)).unwrap()["lines"].as_array().unwrap().len(), 1);
        let length = |value: &Value| value["lines"][0].as_str().unwrap().len();
        assert!(length(&read(&with(Words::TooLong)).unwrap()) > length(&proper) * 3 / 2);
        assert_eq!(with(Words::Literal("so".to_owned())), "so");
    }
}
