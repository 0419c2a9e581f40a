"""What we ask the Admin GraphQL API, version 2026-07: every document that is ever sent.

https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "2026-07"


@dataclass(frozen=True)
class Document:
    """One GraphQL operation: its name, as Shopify's logs show it, and its text."""

    name: str
    text: str


BY_NAME: dict[str, Document] = {}


def _document(text: str, *fragments: str) -> Document:
    name = text.split("(")[0].split("{")[0].split()[1]
    return BY_NAME.setdefault(name, Document(name, "\n".join([text.strip(), *(part.strip() for part in fragments)])))


# The SMS consent of a CustomerPhoneNumber is marked as deprecated in favour of a field that 2026-07 does not have.
CUSTOMER = """
fragment CustomerFields on Customer {
  id firstName lastName locale tags numberOfOrders createdAt updatedAt
  amountSpent { amount currencyCode }
  defaultAddress { countryCodeV2 }
  defaultEmailAddress { emailAddress marketingState marketingUpdatedAt }
  defaultPhoneNumber { phoneNumber marketingState marketingUpdatedAt }
}
"""

ORDER = """
fragment OrderFields on Order {
  id name createdAt updatedAt cancelledAt cancelReason fullyPaid displayFinancialStatus displayFulfillmentStatus
  email phone note tags checkoutToken
  totalPriceSet { shopMoney { amount currencyCode } }
  netPaymentSet { shopMoney { amount currencyCode } }
  customer { id }
}
"""

CHECK = _document("""
query Check {
  shop { name myshopifyDomain }
  currentAppInstallation { accessScopes { handle } }
}
""")

GET_CUSTOMER = _document(
    """
query GetCustomer($id: ID!) {
  customer(id: $id) { ...CustomerFields }
}
""",
    CUSTOMER,
)

FIND_CUSTOMER = _document(
    """
query FindCustomer($email: String!) {
  customerByIdentifier(identifier: {emailAddress: $email}) { ...CustomerFields }
}
""",
    CUSTOMER,
)

LIST_CUSTOMERS = _document(
    """
query ListCustomers($after: String) {
  customers(first: 50, after: $after, sortKey: ID) {
    nodes { ...CustomerFields lastOrder { createdAt } }
    pageInfo { hasNextPage endCursor }
  }
}
""",
    CUSTOMER,
)

FIND_CUSTOMER_BY_PHONE = _document(
    """
query FindCustomerByPhone($phone: String!) {
  customerByIdentifier(identifier: {phoneNumber: $phone}) { ...CustomerFields }
}
""",
    CUSTOMER,
)

GET_ORDER = _document(
    """
query GetOrder($id: ID!) {
  order(id: $id) { ...OrderFields customer { ...CustomerFields } }
}
""",
    CUSTOMER,
    ORDER,
)

ORDERS_OF = _document(
    """
query OrdersOf($search: String!, $after: String) {
  orders(first: 50, after: $after, query: $search, sortKey: CREATED_AT, reverse: true) {
    nodes { ...OrderFields }
    pageInfo { hasNextPage endCursor }
  }
}
""",
    ORDER,
)

ADD_TAGS = _document("""
mutation AddTags($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) {
    node { id ... on Customer { tags } }
    userErrors { field message }
  }
}
""")

REMOVE_TAGS = _document("""
mutation RemoveTags($id: ID!, $tags: [String!]!) {
  tagsRemove(id: $id, tags: $tags) {
    node { id ... on Customer { tags } }
    userErrors { field message }
  }
}
""")

UPDATE_EMAIL_CONSENT = _document(
    """
mutation UpdateEmailConsent($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) {
    customer { ...CustomerFields }
    userErrors { field message code }
  }
}
""",
    CUSTOMER,
)

UPDATE_SMS_CONSENT = _document(
    """
mutation UpdateSmsConsent($input: CustomerSmsMarketingConsentUpdateInput!) {
  customerSmsMarketingConsentUpdate(input: $input) {
    customer { ...CustomerFields }
    userErrors { field message code }
  }
}
""",
    CUSTOMER,
)

DISCOUNT = """
fragment DiscountFields on DiscountCodeNode {
  id
  codeDiscount {
    __typename
    ... on DiscountCodeBasic {
      title status createdAt startsAt endsAt usageLimit
      codes(first: 1) { nodes { code } }
      customerGets { value { __typename ... on DiscountPercentage { percentage } } }
    }
  }
}
"""

CREATE_DISCOUNT = _document(
    """
mutation CreateDiscountCode($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) {
    codeDiscountNode { ...DiscountFields }
    userErrors { field message code }
  }
}
""",
    DISCOUNT,
)

FIND_DISCOUNT = _document(
    """
query FindDiscountCode($code: String!) {
  codeDiscountNodeByCode(code: $code) { ...DiscountFields }
}
""",
    DISCOUNT,
)

READ_NOTE = _document("""
query ReadOrderNote($id: ID!) {
  order(id: $id) { id note }
}
""")

WRITE_NOTE = _document("""
mutation WriteOrderNote($input: OrderInput!) {
  orderUpdate(input: $input) {
    order { id note }
    userErrors { field message }
  }
}
""")

LIST_SUBSCRIPTIONS = _document("""
query ListSubscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri format includeFields filter }
    pageInfo { hasNextPage endCursor }
  }
}
""")

CREATE_SUBSCRIPTION = _document("""
mutation CreateSubscription($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
""")

UPDATE_SUBSCRIPTION = _document("""
mutation UpdateSubscription($id: ID!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
""")

DELETE_SUBSCRIPTION = _document("""
mutation DeleteSubscription($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}
""")
