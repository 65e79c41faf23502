//! What a server that speaks a vendor's form takes of it, learned from what it refuses.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Failure, FailureClass};

/// Words by which a refusal names the form of the answer.
const OF_THE_SCHEMA: [&str; 5] = ["response_format", "json_schema", "output_config", "structured output", "grammar"];
/// The same for the bound on the answer, of which one name contains the other.
const NEWER_LIMIT: &str = "max_completion_tokens";
const OLDER_LIMIT: &str = "max_tokens";

/// How a request is put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manner {
    /// The form of the answer is told in a field of its own.
    pub schema: bool,
    /// The bound on the answer has its newer name.
    pub newer_limit: bool,
}

/// Remembered for as long as the process lives.
#[derive(Debug)]
pub struct Dialect {
    schema: AtomicBool,
    newer_limit: AtomicBool,
}

impl Dialect {
    pub fn new(begin: Manner) -> Self {
        Self { schema: AtomicBool::new(begin.schema), newer_limit: AtomicBool::new(begin.newer_limit) }
    }

    pub fn manner(&self) -> Manner {
        Manner { schema: self.schema.load(Ordering::Relaxed), newer_limit: self.newer_limit.load(Ordering::Relaxed) }
    }

    /// Whether what was refused may be asked in another manner, which is remembered.
    pub fn learns(&self, used: Manner, refusal: &Failure) -> bool {
        if refusal.class != FailureClass::Caller {
            return false;
        }
        let words = refusal.message.to_ascii_lowercase();
        if used.schema && OF_THE_SCHEMA.iter().any(|name| words.contains(name)) {
            self.schema.store(false, Ordering::Relaxed);
            return true;
        }
        if words.contains(OLDER_LIMIT) || words.contains(NEWER_LIMIT) {
            self.newer_limit.store(!used.newer_limit, Ordering::Relaxed);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use domain::FailureCode;

    use super::*;

    #[test]
    fn what_is_refused_by_name_is_put_otherwise() {
        let refusal = |class, words: &str| Failure::new(class, FailureCode::ProviderRejected, words);
        let first = Manner { schema: true, newer_limit: false };
        let check = |words: &str, learned: Option<Manner>| {
            let dialect = Dialect::new(first);
            let learns = dialect.learns(first, &refusal(FailureClass::Caller, words));
            assert_eq!(learns.then(|| dialect.manner()), learned, "{words}");
        };
        check("'response_format' of type 'json_schema' is not supported", Some(Manner { schema: false, ..first }));
        check("output_config: Extra inputs are not permitted", Some(Manner { schema: false, ..first }));
        check(
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            Some(Manner { newer_limit: true, ..first }),
        );
        check("messages: at least one is required", None);
        let dialect = Dialect::new(first);
        assert!(!dialect.learns(first, &refusal(FailureClass::Transient, "response_format")));
        assert_eq!(dialect.manner(), first);
    }
}
