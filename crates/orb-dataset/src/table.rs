//! One Parquet file of rows.
//!
//! In: rows in their order. Out: a file that appears whole or not at all. May touch: the disk.
//! Invariant: at most one row group is in memory, within the bounds of `limits`.

use std::path::Path;
use std::sync::Arc;

use orb_env::Disk;
use orb_url::CrawlUrl;
use parquet::basic::{Compression, GzipLevel, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::DatasetError;
use crate::columns::{COLUMNS, Column, Kind, SCHEMA_VERSION, Wide};
use crate::limits::{GROUP_BYTES_MAX, GROUP_ROWS_MAX};
use crate::output::Output;
use crate::row::CaptureRow;

/// A table being written.
pub(crate) struct Table {
    writer: SerializedFileWriter<Output>,
    path: std::path::PathBuf,
    rows: Vec<(CaptureRow, CrawlUrl)>,
    bytes: usize,
}

impl Table {
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        filename: &str,
    ) -> Result<Table, DatasetError> {
        let output = Output::create(disk, path)?;
        let writer = schema()
            .and_then(|schema| SerializedFileWriter::new(output, schema, properties(filename)))
            .map_err(DatasetError::table(path))?;
        Ok(Table {
            writer,
            path: path.to_path_buf(),
            rows: Vec::new(),
            bytes: 0,
        })
    }

    /// Adds a row; its address must be one.
    pub(crate) fn push(&mut self, row: CaptureRow) -> Result<(), DatasetError> {
        let Ok(url) = CrawlUrl::parse(&row.url) else {
            return Ok(());
        };
        self.bytes += row.bytes();
        self.rows.push((row, url));
        if self.rows.len() >= GROUP_ROWS_MAX || self.bytes >= GROUP_BYTES_MAX {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), DatasetError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let wide: Vec<Wide<'_>> = rows.iter().map(|(row, url)| Wide::of(row, url)).collect();
        let mut write = || {
            let mut group = self.writer.next_row_group()?;
            for column in COLUMNS {
                write_column(&mut group, column, &wide)?;
            }
            group.close()
        };
        write().map_err(DatasetError::table(&self.path))?;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), DatasetError> {
        self.write_group()?;
        let output = self.writer.into_inner();
        output.map_err(DatasetError::table(&self.path))?.finish()
    }
}

fn write_column(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    column: &Column,
    rows: &[Wide<'_>],
) -> Result<(), ParquetError> {
    match &column.kind {
        Kind::Text(of) => put::<ByteArrayType>(group, column, rows, |row| {
            of(row).map(|text| ByteArray::from(text.as_bytes().to_vec()))
        }),
        Kind::Bytes(of) => put::<ByteArrayType>(group, column, rows, |row| {
            Some(ByteArray::from(of(row).to_vec()))
        }),
        Kind::Short(of) => put::<Int32Type>(group, column, rows, |row| Some(of(row))),
        Kind::Int(of) => put::<Int32Type>(group, column, rows, of),
        Kind::Long(of) => put::<Int64Type>(group, column, rows, of),
        Kind::Time(of) => put::<Int64Type>(group, column, rows, |row| Some(of(row))),
    }
}

fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    column: &Column,
    rows: &[Wide<'_>],
    of: impl Fn(&Wide<'_>) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let mut values = Vec::with_capacity(rows.len());
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        let value = of(row);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    let levels = (!column.required).then_some(&levels[..]);
    writer.typed::<T>().write_batch(&values, levels, None)?;
    writer.close()
}

fn schema() -> Result<TypePtr, ParquetError> {
    let fields: Result<Vec<TypePtr>, ParquetError> = COLUMNS.iter().map(field).collect();
    let schema = Type::group_type_builder("captures").with_fields(fields?);
    Ok(Arc::new(schema.build()?))
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Bytes(_) => (Physical::BYTE_ARRAY, None),
        Kind::Short(_) => (Physical::INT32, Some(LogicalType::integer(16, true))),
        Kind::Int(_) => (Physical::INT32, None),
        Kind::Long(_) => (Physical::INT64, None),
        Kind::Time(_) => (
            Physical::INT64,
            Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
        ),
    };
    let repetition = match column.required {
        true => Repetition::REQUIRED,
        false => Repetition::OPTIONAL,
    };
    let field = Type::primitive_type_builder(column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical);
    Ok(Arc::new(field.build()?))
}

fn properties(filename: &str) -> Arc<WriterProperties> {
    let by = |index| SortingColumn {
        column_idx: index,
        descending: false,
        nulls_first: false,
    };
    let time = COLUMNS
        .iter()
        .position(|column| column.name == "fetch_time");
    let time = i32::try_from(time.unwrap_or_default()).unwrap_or_default();
    let about = |key: &str, value: String| KeyValue::new(format!("orb.{key}"), value);
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_created_by(format!("orb-dataset {}", env!("CARGO_PKG_VERSION")))
        .set_sorting_columns(Some(vec![by(0), by(time)]))
        .set_key_value_metadata(Some(vec![
            about("schema", SCHEMA_VERSION.to_string()),
            about("warc", filename.to_owned()),
        ]));
    Arc::new(properties.build())
}
