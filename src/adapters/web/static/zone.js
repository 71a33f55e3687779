// Forms say in which time zone whoever fills them in is, so that their morning is meant.
for (const field of document.querySelectorAll('input[name="zone"]')) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}
