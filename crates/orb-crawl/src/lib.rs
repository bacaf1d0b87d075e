//! The pipeline: joins the engines into a crawl.
