//! `docs/messages.md` names everything that travels.

use contracts::{
    Body, VOCABULARY,
    topology::{self, EVENT_KEYS, HEADERS, RETRY_DELAYS, exchanges, queues},
};
use domain::Kinds;

const REFERENCE: &str = include_str!("../../../../docs/messages.md");

fn missing<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    names.into_iter().filter(|name| !REFERENCE.contains(&format!("`{name}`"))).collect()
}

#[test]
fn messages_and_fields_are_documented() {
    assert!(VOCABULARY.len() >= Body::KINDS.len(), "the list of messages is generated from the proto files");
    assert_eq!(missing(Body::KINDS.iter().copied()), [""; 0]);
    for (message, fields) in VOCABULARY {
        let heading = format!("### {message}\n");
        let Some((_, section)) = REFERENCE.split_once(&heading) else {
            panic!("docs/messages.md has no section {message:?}");
        };
        let section = section.split("\n#").next().unwrap_or_default();
        for field in *fields {
            assert!(section.contains(&format!("`{field}`")), "the section of {message} does not mention {field}");
        }
    }
}

#[test]
fn exchanges_queues_keys_and_headers_are_documented() {
    let exchanges = exchanges(&RETRY_DELAYS);
    let queues = queues(&RETRY_DELAYS);
    let queue_names = queues.iter().map(|queue| queue.name.as_str());
    let names = exchanges.iter().map(|exchange| exchange.name.as_str()).chain(queue_names);
    assert_eq!(missing(names), [""; 0]);
    assert_eq!(missing(EVENT_KEYS), [""; 0]);
    let kinds = Kinds::built_in();
    let announced = kinds.iter().filter_map(|kind| kind.announcements.as_ref());
    let announced = announced.flat_map(|told| [told.requested, told.completed, told.failed]);
    assert_eq!(missing(announced), [""; 0]);
    assert_eq!(missing(HEADERS), [""; 0]);
    assert_eq!(missing([topology::CONTENT_TYPE]), [""; 0]);
    let subscriber = format!("{}<id>", topology::EVENT_QUEUE_PREFIX);
    assert_eq!(missing([subscriber.as_str()]), [""; 0]);
    let arguments = queues.iter().flat_map(|queue| &queue.arguments).map(|argument| argument.name);
    assert_eq!(missing(arguments), [""; 0]);
}

#[test]
fn figures_are_up_to_date() {
    for figure in [
        format!("{} deliveries", topology::MAX_DELIVERIES),
        format!("{} messages", topology::MAX_QUEUE_LENGTH),
        format!("{} KiB", contracts::MAX_ENVELOPE_BYTES / 1024),
    ] {
        assert!(REFERENCE.contains(&figure), "docs/messages.md does not say {figure:?}");
    }
}
