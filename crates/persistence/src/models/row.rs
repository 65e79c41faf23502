//! A model as its row, both ways.

use domain::{
    JobId, ModelId, UserId,
    registry::{ModelKind, ModelName, ModelPath, ModelStatus, ModelVersion, RegisteredModel},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, QueryFilter,
    QuerySelect,
};
use serde_json::Value;

use crate::{
    error::Undecodable,
    rows::{self, model::Column},
    time::micros,
};

/// Whether this version knows the words of a row.
pub fn is_known(row: &rows::model::Model) -> bool {
    row.kind.parse::<ModelKind>().is_ok() && row.status.parse::<ModelStatus>().is_ok()
}

pub fn read(row: rows::model::Model) -> Result<RegisteredModel, Undecodable> {
    let rows::model::Model {
        id,
        name,
        kind,
        provider,
        path,
        version,
        previous_version,
        status,
        canary,
        owner,
        licence,
        description,
        input_schema,
        quality,
        trained_from,
        extra,
        revision,
        created_at,
        updated_at,
    } = row;
    let as_version = |column, text: Option<String>| {
        text.map(|text| ModelVersion::new(&text)).transpose().map_err(|why| Undecodable::new(column, why))
    };
    Ok(RegisteredModel {
        id: ModelId::from_uuid(id),
        name: ModelName::new(&name).map_err(|why| Undecodable::new("models.name", why))?,
        kind: kind.parse().map_err(|why| Undecodable::new("models.kind", why))?,
        provider,
        path: path.map(|path| ModelPath::new(&path)).transpose().map_err(|why| Undecodable::new("models.path", why))?,
        version: as_version("models.version", version)?,
        previous_version: as_version("models.previous_version", previous_version)?,
        status: status.parse().map_err(|why| Undecodable::new("models.status", why))?,
        canary: canary.map(serde_json::from_value).transpose().map_err(|why| Undecodable::new("models.canary", why))?,
        owner: owner.map(UserId::new).transpose().map_err(|why| Undecodable::new("models.owner", why))?,
        licence,
        description,
        input_schema,
        quality,
        trained_from: trained_from.map(JobId::from_uuid),
        extra: serde_json::from_value(extra).map_err(|why| Undecodable::new("models.extra", why))?,
        revision: revision.cast_unsigned(),
        created_at,
        updated_at,
    })
}

pub fn active(model: &RegisteredModel) -> rows::model::ActiveModel {
    let RegisteredModel {
        id,
        name,
        kind,
        provider,
        path,
        version,
        previous_version,
        status,
        canary,
        owner,
        licence,
        description,
        input_schema,
        quality,
        trained_from,
        extra,
        revision,
        created_at,
        updated_at,
    } = model;
    let text = |version: &Option<ModelVersion>| version.as_ref().map(ToString::to_string);
    rows::model::ActiveModel {
        id: Set(id.uuid()),
        name: Set(name.to_string()),
        kind: Set(kind.as_str().to_owned()),
        provider: Set(provider.clone()),
        path: Set(path.as_ref().map(ToString::to_string)),
        version: Set(text(version)),
        previous_version: Set(text(previous_version)),
        status: Set(status.as_str().to_owned()),
        canary: Set(canary.as_ref().and_then(|canary| serde_json::to_value(canary).ok())),
        owner: Set(owner.as_ref().map(|owner| owner.as_str().to_owned())),
        licence: Set(licence.clone()),
        description: Set(description.clone()),
        input_schema: Set(input_schema.clone()),
        quality: Set(quality.clone()),
        trained_from: Set(trained_from.map(JobId::uuid)),
        extra: Set(Value::Object(extra.clone())),
        revision: Set(revision.cast_signed()),
        created_at: Set(micros(*created_at)),
        updated_at: Set(micros(*updated_at)),
    }
}

pub async fn named(connection: &impl ConnectionTrait, name: &ModelName) -> Result<Option<rows::model::Model>, DbErr> {
    rows::model::Entity::find().filter(Column::Name.eq(name.as_str())).one(connection).await
}

/// The same, kept from changing until the transaction ends.
pub async fn locked(tx: &DatabaseTransaction, name: &ModelName) -> Result<Option<rows::model::Model>, DbErr> {
    let query = rows::model::Entity::find().filter(Column::Name.eq(name.as_str()));
    let query = match tx.get_database_backend() {
        DbBackend::Postgres => query.lock_exclusive(),
        // A transaction that writes is alone there.
        _ => query,
    };
    query.one(tx).await
}
