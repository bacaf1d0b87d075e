//! Tables: data as rows of cells, layout as what stands in it.
//!
//! In: a `table`. Out: a table or blocks.
//! May touch: the tree below it. Must not touch: how tables are written.
//! Invariant: every row has as many cells as the widest; spans never make more than [`CELLS_MAX`] cells.

use crate::document::{Block, Inline, Table, is_blank};
use crate::hints::Hint;
use crate::limits::{CELLS_MAX, COLUMNS_MAX};
use crate::tag::Tag;
use crate::tree::{Kind, NodeId};

use super::{Composer, Flow};

/// Letters of a cell from which a table without a head places things rather than listing them.
const CELL_LETTERS_MAX: u32 = 600;

/// One row as the page has it.
#[derive(Debug, Default)]
struct Row {
    cells: Vec<NodeId>,
    is_head: bool,
}

impl Composer<'_, '_> {
    pub(super) fn table(&self, id: NodeId, flow: &mut Flow<'_>) {
        let mut rows = Vec::new();
        let mut caption = None;
        let mut strays = Vec::new();
        self.rows(id, &mut rows, &mut caption, &mut strays, false);
        let table = if self.is_data(id, &rows) {
            self.data(&rows, caption)
        } else {
            None
        };
        for stray in strays {
            match self.tree.kind(stray) {
                Kind::Text(run) => flow.line.text(&run.decode()),
                Kind::Element(..) => self.element(stray, flow),
            }
        }
        flow.end_line();
        match table {
            Some(table) => flow.push(Block::Table(table)),
            None => self.layout(&rows, caption, flow),
        }
    }

    /// Rows in order; what stands between them is kept apart.
    fn rows(
        &self,
        id: NodeId,
        rows: &mut Vec<Row>,
        caption: &mut Option<NodeId>,
        strays: &mut Vec<NodeId>,
        in_head: bool,
    ) {
        for child in self.tree.children(id) {
            let Some(tag) = self.tree.tag(child) else {
                strays.push(child);
                continue;
            };
            if self.measures.is_out(child) {
                continue;
            }
            match tag {
                Tag::Tbody | Tag::Tfoot => self.rows(child, rows, caption, strays, false),
                Tag::Thead => self.rows(child, rows, caption, strays, true),
                Tag::Tr => {
                    let inside = self.tree.children(child).filter(|cell| {
                        !self.measures.is_out(*cell) && !self.has(*cell, Hint::LineNumbers)
                    });
                    let is_cell =
                        |id: &NodeId| matches!(self.tree.tag(*id), Some(Tag::Td | Tag::Th));
                    let (cells, others): (Vec<NodeId>, Vec<NodeId>) = inside.partition(is_cell);
                    strays.extend(others);
                    let is_head = in_head
                        || (rows.is_empty()
                            && cells.len() > 1
                            && cells
                                .iter()
                                .all(|cell| self.tree.tag(*cell) == Some(Tag::Th)));
                    rows.push(Row { cells, is_head });
                }
                Tag::Td | Tag::Th => match rows.last_mut() {
                    Some(row) => row.cells.push(child),
                    None => rows.push(Row {
                        cells: vec![child],
                        is_head: false,
                    }),
                },
                Tag::Caption => *caption = Some(child),
                _ => strays.push(child),
            }
        }
    }

    fn is_data(&self, id: NodeId, rows: &[Row]) -> bool {
        let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        if !(2..=COLUMNS_MAX).contains(&columns) || self.has(id, Hint::Layout) {
            return false;
        }
        if self.holds(id, |tag| {
            tag.is_heading() || tag.is_preformatted() || matches!(tag, Tag::Table | Tag::Blockquote)
        }) {
            return false;
        }
        let is_marked = rows.iter().any(|row| row.is_head)
            || self.holds(id, |tag| matches!(tag, Tag::Th | Tag::Caption));
        let mut cells = rows.iter().flat_map(|row| &row.cells);
        is_marked
            || (rows.len() > 1
                && cells.all(|cell| self.measures.all(*cell).letters <= CELL_LETTERS_MAX))
    }

    /// A grid with the cells that spans cover left empty. `None` when nothing is in it.
    fn data(&self, rows: &[Row], caption: Option<NodeId>) -> Option<Table> {
        let mut table = Table {
            caption: caption
                .map(|caption| self.line(caption))
                .unwrap_or_default(),
            ..Table::default()
        };
        // Rows that a cell above still covers, by column.
        let mut covered: Vec<u32> = Vec::new();
        let mut cells_left = CELLS_MAX;
        for row in rows {
            let line = self.grid_row(row, &mut covered, &mut cells_left);
            if line.iter().all(|cell| is_blank(cell)) {
                continue;
            }
            if row.is_head && table.head.is_empty() && table.rows.is_empty() {
                table.head = line;
            } else {
                table.rows.push(line);
            }
        }
        let columns = table
            .rows
            .iter()
            .chain(std::iter::once(&table.head))
            .map(Vec::len)
            .max()
            .unwrap_or(0);
        if columns == 0 || columns > COLUMNS_MAX {
            return None;
        }
        if !table.head.is_empty() {
            table.head.resize(columns, Vec::new());
        }
        for row in &mut table.rows {
            row.resize(columns, Vec::new());
        }
        (!table.rows.is_empty() || !table.head.is_empty()).then_some(table)
    }

    fn grid_row(
        &self,
        row: &Row,
        covered: &mut Vec<u32>,
        cells_left: &mut usize,
    ) -> Vec<Vec<Inline>> {
        let mut line: Vec<Vec<Inline>> = Vec::new();
        let skip_covered = |line: &mut Vec<Vec<Inline>>, covered: &mut Vec<u32>| {
            while let Some(rows @ 1..) = covered.get_mut(line.len()) {
                *rows -= 1;
                line.push(Vec::new());
            }
        };
        for cell in &row.cells {
            skip_covered(&mut line, covered);
            let span = |name: &str, max: u32| {
                self.tree
                    .attribute(*cell, name)
                    .and_then(|span| span.trim().parse::<u32>().ok())
                    .unwrap_or(1)
                    .clamp(1, max)
            };
            let width = span("colspan", COLUMNS_MAX as u32 + 1) as usize;
            let height = span("rowspan", 1_000);
            let width = width.min(*cells_left).max(1);
            *cells_left = cells_left.saturating_sub(width);
            let at = line.len();
            line.push(self.line(*cell));
            line.resize(at + width, Vec::new());
            if height > 1 {
                if covered.len() < at + width {
                    covered.resize(at + width, 0);
                }
                covered[at..at + width].fill(height - 1);
            }
        }
        skip_covered(&mut line, covered);
        line
    }

    /// Cells one after the other, each on its own; a row of short ones on one line.
    fn layout(&self, rows: &[Row], caption: Option<NodeId>, flow: &mut Flow<'_>) {
        if let Some(caption) = caption {
            self.element(caption, flow);
        }
        for cell in rows.iter().flat_map(|row| &row.cells) {
            flow.end_line();
            self.children(*cell, flow);
            flow.end_line();
        }
    }
}
