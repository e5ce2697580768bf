/** The page's places, as the bar and, on a phone, the menu list them, and the views that belong to each. */
export const PLACES: readonly (readonly [href: string, text: string, views: readonly string[]])[] = [
  ["/", "Overview", ["overview", "connector", "integration", "test"]],
  ["/secrets", "Secrets", ["secrets", "secret"]],
  ["/tokens", "Tokens", ["tokens", "add"]],
];
