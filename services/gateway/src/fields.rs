//! The fields of a request, whether they came as the parts of a form or as a JSON object.

use std::collections::BTreeMap;

use domain::field::list_text;
use serde_json::{Map, Value};

use crate::problem::ApiError;

/// Which fields there are, and what they hold beside plain text.
#[derive(Clone, Default)]
pub struct Shapes {
    /// All of them.
    pub known: Vec<&'static str>,
    /// Those that are JSON, also in a form.
    pub structured: &'static [&'static str],
    /// Those that are a few words or numbers, however they are written.
    pub lists: &'static [&'static str],
}

/// A request's fields by name. Numbers, `true` and `false` of a JSON body read as their texts, so that a kind reads a
/// form and a JSON body alike; `null` is absence.
#[derive(Clone, Default, PartialEq)]
pub struct Fields {
    texts: BTreeMap<&'static str, String>,
    structured: BTreeMap<&'static str, Value>,
}

impl Fields {
    /// A field's text, as it was sent; of a list, its items with commas between them.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// A list or an object, of a field that the kind has named as one that holds some.
    pub fn structured(&self, name: &str) -> Option<&Value> {
        self.structured.get(name)
    }

    /// From the parts of a form. Those that are not known were not meant for us.
    pub fn of_form(parts: impl IntoIterator<Item = (String, String)>, shapes: &Shapes) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (name, text) in parts {
            let Some(name) = shapes.known.iter().find(|known| **known == name) else { continue };
            if !shapes.structured.contains(name) {
                fields.put_text(name, text, shapes);
            } else if !text.trim().is_empty() {
                let value = serde_json::from_str(&text).map_err(|error| ApiError::InvalidField {
                    field: name,
                    detail: format!("expected JSON: {error}"),
                })?;
                fields.structured.insert(name, value);
            }
        }
        Ok(fields)
    }

    /// From a JSON object; a name in it that is not known is a mistake.
    pub fn of_json(object: Map<String, Value>, shapes: &Shapes) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (name, value) in object {
            let Some(name) = shapes.known.iter().find(|known| **known == name) else {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                let detail = format!("The field `{shown}` is not known here; known are {}.", shapes.known.join(", "));
                return Err(ApiError::InvalidBody { detail });
            };
            let is_list = shapes.lists.contains(name);
            match value {
                Value::Null => {}
                value if shapes.structured.contains(name) => {
                    fields.structured.insert(name, value);
                }
                Value::Array(items) if is_list => {
                    let words: Option<Vec<String>> = items.into_iter().map(word).collect();
                    let words = words.ok_or_else(|| not_a_list(name))?;
                    fields.put_text(name, words.join(","), shapes);
                }
                value @ (Value::String(_) | Value::Bool(_) | Value::Number(_)) => {
                    let text = word(value).unwrap_or_default();
                    fields.put_text(name, text, shapes);
                }
                Value::Array(_) | Value::Object(_) if is_list => return Err(not_a_list(name)),
                Value::Array(_) | Value::Object(_) => {
                    let detail = "expected a text, a number, true or false".to_owned();
                    return Err(ApiError::InvalidField { field: name, detail });
                }
            }
        }
        Ok(fields)
    }

    /// A list is kept in one way of writing it.
    fn put_text(&mut self, name: &'static str, text: String, shapes: &Shapes) {
        let is_list = shapes.lists.contains(&name);
        self.texts.insert(name, if is_list { list_text(&text) } else { text });
    }

    /// What stands for a field in the hash of a request: the same for two ways of sending the same.
    pub fn canonical(&self, name: &str) -> String {
        match (self.texts.get(name), self.structured.get(name)) {
            (Some(text), _) => text.clone(),
            // Objects keep their names sorted.
            (None, Some(value)) => value.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// A single value as its text.
fn word(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn not_a_list(field: &'static str) -> ApiError {
    ApiError::InvalidField { field, detail: "expected a list of words or numbers".to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 4] = ["prompt", "seed", "voices", "weights"];

    fn shapes() -> Shapes {
        Shapes { known: KNOWN.to_vec(), structured: &["voices"], lists: &["weights"] }
    }

    fn of_json(body: Value) -> Result<Fields, ApiError> {
        let Value::Object(object) = body else { panic!("an object") };
        Fields::of_json(object, &shapes())
    }

    #[test]
    fn forms_and_json_read_alike() {
        let form = [("prompt", "a sea"), ("seed", "7"), ("voices", "[ 1, 2 ]"), ("userId", "me")];
        let form = form.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let form = Fields::of_form(form, &shapes()).unwrap();
        let body = of_json(json!({"prompt": "a sea", "seed": 7, "voices": [1, 2]})).unwrap();
        assert!(form == body);
        assert_eq!((body.text("seed"), body.structured("voices")), (Some("7"), Some(&json!([1, 2]))));
        assert!(KNOWN.iter().all(|name| form.canonical(name) == body.canonical(name)));
        let absent = of_json(json!({"prompt": null})).unwrap();
        assert_eq!((absent.text("prompt"), absent.structured("voices")), (None, None));
    }

    #[test]
    fn a_list_may_be_written_in_many_ways() {
        let check = |fields: Result<Fields, ApiError>, expected: &str| {
            let fields = fields.unwrap();
            assert_eq!((fields.text("weights"), fields.canonical("weights").as_str()), (Some(expected), expected));
        };
        for text in ["1,1,2", "1 1 2", "[1,1,2]", " [ 1, 1 ,2 ] ", "1, 1, 2", r#"["1","1","2"]"#] {
            check(Fields::of_form([("weights".to_owned(), text.to_owned())], &shapes()), "1,1,2");
            check(of_json(json!({ "weights": text })), "1,1,2");
        }
        check(of_json(json!({ "weights": [1, "1", 2] })), "1,1,2");
        check(of_json(json!({ "weights": ["nylon guitar", "flute"] })), "nylon guitar,flute");
        for text in ["nylon guitar, flute", r#"["nylon guitar", "flute"]"#] {
            check(Fields::of_form([("weights".to_owned(), text.to_owned())], &shapes()), "nylon guitar,flute");
        }
        check(of_json(json!({ "weights": 1.5 })), "1.5");
        check(of_json(json!({ "weights": [] })), "");
        for none in [json!({ "weights": {} }), json!({ "weights": [[1], 2] }), json!({ "weights": [null] })] {
            let refused = of_json(none).err();
            assert!(matches!(refused, Some(ApiError::InvalidField { field: "weights", .. })), "{refused:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let field = |refused: Result<Fields, ApiError>| match refused.err() {
            Some(ApiError::InvalidField { field, .. }) => field.to_owned(),
            Some(ApiError::InvalidBody { detail }) => detail,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(of_json(json!({"prompt": ["a", "b"]}))), "prompt");
        assert!(field(of_json(json!({"promt": "a sea"}))).contains("`promt`"));
        let broken = [("voices".to_owned(), "[1".to_owned())];
        assert_eq!(field(Fields::of_form(broken, &shapes())), "voices");
    }
}
