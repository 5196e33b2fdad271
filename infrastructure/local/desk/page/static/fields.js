// Reading what people typed and picked, and putting it back after a redraw.
const choices = (field) => [...field.querySelectorAll("input:checked")].map((box) => box.value);

export function valueOf(field) {
  if (field.dataset.kind === "checkboxes") return choices(field);
  if (field.dataset.kind === "radio_buttons") return choices(field)[0] ?? null;
  if (field.multiple) return [...field.selectedOptions].map((option) => option.value);
  return field.value || null;
}

export function valuesIn(surface) {
  const values = {};
  for (const field of surface.querySelectorAll("[data-field]")) {
    (values[field.dataset.block] ??= {})[field.dataset.field] = valueOf(field);
  }
  return values;
}

export function restore(surface, values) {
  for (const field of surface.querySelectorAll("[data-field]")) {
    const value = values[field.dataset.block]?.[field.dataset.field];
    if (value === undefined) continue;
    const several = Array.isArray(value) ? value : [value];
    if (field.matches("fieldset")) {
      for (const box of field.querySelectorAll("input")) box.checked = several.includes(box.value);
    } else if (field.multiple) {
      for (const option of field.options) option.selected = several.includes(option.value);
    } else {
      field.value = value ?? "";
    }
  }
}
