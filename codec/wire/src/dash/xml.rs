//! Elements and attributes, indented, escaped: all the XML that a manifest needs.

use std::fmt::{Display, Write};

/// A document being written. An element stays open for attributes until something follows it.
pub(super) struct Xml {
    out: String,
    open: Vec<&'static str>,
    in_tag: bool,
}

impl Xml {
    pub(super) fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), open: Vec::new(), in_tag: false }
    }

    /// Begins an element inside the one that is open.
    pub(super) fn open(&mut self, name: &'static str) -> &mut Self {
        self.end_tag(">\n");
        let _ = write!(self.out, "{:1$}<{name}", "", 2 * self.open.len());
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// Adds an attribute to the element that was just opened.
    pub(super) fn attr(&mut self, name: &str, value: impl Display) -> &mut Self {
        debug_assert!(self.in_tag, "attributes come before children");
        let _ = write!(self.out, " {name}=\"");
        for c in value.to_string().chars().filter(|c| !c.is_control()) {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '"' => self.out.push_str("&quot;"),
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
        self
    }

    /// Puts text into the element that was just opened, and ends it. The text has nothing that XML escapes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        debug_assert!(self.in_tag && !text.contains(['<', '&', ']']), "plain text first and last");
        if let Some(name) = self.open.pop() {
            self.in_tag = false;
            let _ = writeln!(self.out, ">{text}</{name}>");
        }
        self
    }

    /// Ends the innermost element.
    pub(super) fn close(&mut self) -> &mut Self {
        let Some(name) = self.open.pop() else { return self };
        if self.in_tag {
            self.end_tag("/>\n");
        } else {
            let _ = writeln!(self.out, "{:1$}</{name}>", "", 2 * self.open.len());
        }
        self
    }

    pub(super) fn finish(self) -> String {
        debug_assert!(self.open.is_empty(), "every element is closed");
        self.out
    }

    fn end_tag(&mut self, end: &str) {
        if std::mem::take(&mut self.in_tag) {
            self.out.push_str(end);
        }
    }
}
