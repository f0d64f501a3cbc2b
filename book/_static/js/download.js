// Hand the reader a file that was made in the page.

/**
 * @param {string} name
 * @param {BlobPart} content
 */
export function download(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
