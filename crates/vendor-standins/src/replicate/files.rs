//! Files that were uploaded, and those that predictions have made.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Replicate, USER, WEIGHTS, invalid, multipart, not_found, problem,
    run::Kind,
    store::{File, Store},
    webhooks::hmac_sha256,
};
use crate::{
    http::Answer,
    work::{Reply, Work},
};

/// Longest name of a file, in bytes.
const LONGEST_NAME: usize = 255;
const LARGEST_BYTES: usize = 100 << 20;
const KEPT: TimeDelta = TimeDelta::hours(24);

fn shown(file: &File, base: &str) -> Value {
    let time = |moment: chrono::DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    let sha256 = hex::encode(Sha256::digest(&file.content));
    json!({"id": file.id, "name": file.name, "content_type": file.content_type, "size": file.content.len(),
        "etag": sha256[..32], "checksums": {"sha256": sha256}, "metadata": file.metadata,
        "created_at": time(file.created_at), "expires_at": time(file.created_at + KEPT),
        "urls": {"get": format!("{base}/replicate/v1/files/{}", file.id)}})
}

impl Replicate {
    pub(super) fn create_file(&self, work: &Work<'_>) -> Reply {
        let parts = multipart::parts(work.call.header("content-type").unwrap_or_default(), &work.call.body);
        let Some(parts) = parts else {
            return problem(400, "Bad request", "The body is not multipart/form-data").into();
        };
        let part = |name: &str| parts.iter().find(|part| part.name == name);
        let text = |name: &str| part(name).map(|part| String::from_utf8_lossy(&part.content).into_owned());
        let Some(content) = part("content") else { return invalid("content", "is required") };
        if content.content.len() > LARGEST_BYTES {
            return problem(413, "Payload too large", "The file is larger than 100 MiB.").into();
        }
        let name = text("filename").or_else(|| content.file_name.clone()).unwrap_or_else(|| "file".to_owned());
        if name.len() > LONGEST_NAME {
            return invalid("filename", "must be at most 255 bytes");
        }
        let metadata = match text("metadata").map(|text| serde_json::from_str::<Value>(&text)) {
            None => json!({}),
            Some(Ok(metadata)) if metadata.is_object() => metadata,
            Some(_) => return invalid("metadata", "must be a JSON object"),
        };
        let content_type = text("type").or_else(|| content.content_type.clone());
        let mut store = self.store();
        if !store.has_room(content.content.len()) {
            let detail = "The stand-in keeps 1 GiB of files: delete some, or reset it.";
            return problem(507, "Insufficient storage", detail).into();
        }
        let file = File {
            id: store.new_id(),
            name,
            content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
            metadata,
            content: content.content.clone(),
            created_at: Utc::now(),
        };
        let answer = Answer::json(201, &shown(&file, &work.call.base));
        store.files.push(file);
        answer.into()
    }

    pub(super) fn list_files(&self, base: &str) -> Reply {
        let files: Vec<Value> = self.store().files.iter().rev().map(|file| shown(file, base)).collect();
        Answer::json(200, &json!({"previous": null, "next": null, "results": files})).into()
    }

    pub(super) fn get_file(&self, work: &Work<'_>) -> Reply {
        let store = self.store();
        found(&store, work.id(0)).map_or_else(not_found, |file| Answer::json(200, &shown(file, &work.call.base)).into())
    }

    pub(super) fn delete_file(&self, id: &str) -> Reply {
        let mut store = self.store();
        let before = store.files.len();
        store.files.retain(|file| file.id != id);
        if store.files.len() < before { Answer::empty(204).into() } else { not_found() }
    }

    /// By `owner`, `expiry` (seconds since 1970) and `signature`, the base64 of HMAC-SHA256 over `owner id expiry`.
    pub(super) fn download_file(&self, work: &Work<'_>) -> Reply {
        let query = |name: &str| work.call.query(name).unwrap_or_default();
        let (owner, expiry) = (query("owner"), query("expiry"));
        let signed =
            STANDARD.encode(hmac_sha256(self.courier.key(), format!("{owner} {} {expiry}", work.id(0)).as_bytes()));
        let expired = expiry.parse().is_ok_and(|expiry: i64| expiry < Utc::now().timestamp());
        if owner != USER || signed != query("signature") || expired {
            return problem(403, "Forbidden", "The signature is not valid, or has expired.").into();
        }
        let store = self.store();
        let Some(file) = found(&store, work.id(0)) else { return not_found() };
        Answer::bytes(200, &file.content_type, file.content.clone()).into()
    }

    /// An output file, as the vendor's other host gives it to whoever knows its address.
    pub(super) fn delivery(&self, work: &Work<'_>) -> Reply {
        let output = {
            let mut store = self.store();
            if work.id(1) == WEIGHTS
                && store.run(work.id(0)).is_some_and(|run| matches!(run.kind, Kind::Training { .. }))
            {
                // The end of an archive (POSIX ustar) without entries.
                return Answer::bytes(200, "application/x-tar", vec![0; 1024]).into();
            }
            store.outputs.get(&work.target.ids.join("/")).cloned()
        };
        let Some(output) = output else { return not_found() };
        let (recipe, amiss) = (output.recipe, work.sound().or(output.amiss));
        recipe.answer(amiss).map_or_else(not_found, Reply::from)
    }
}

fn found<'s>(store: &'s Store, id: &str) -> Option<&'s File> {
    store.files.iter().find(|file| file.id == id)
}
